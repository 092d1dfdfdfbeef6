import { expect, it } from 'vitest';
import { byteText } from './byte-text.ts';

it.each([
  [0, '0 KiB'],
  [8_192, '8 KiB'],
  [1_048_575, '1024 KiB'],
  [1_048_576, '1 MiB'],
  [1_179_648, '1.1 MiB'],
  [5_368_709_120, '5120 MiB'],
])('%i bytes are %s', (bytes, text) => expect(byteText(bytes)).toBe(text));
