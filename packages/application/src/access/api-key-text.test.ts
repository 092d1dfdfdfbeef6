import { describe, expect, it } from 'vitest';
import { hashSecret, parseApiKey, writeApiKey } from './api-key-text.ts';

const id = '0123456789abcdef';
const secret = `${'_-'.repeat(21)}A`;

describe('API key', () => {
  it('is read as it was written, whatever base64url the secret holds', () => {
    expect(parseApiKey(writeApiKey({ id, secret }))).toEqual({ id, secret });
  });

  it.each([
    '',
    'slk',
    `slk_${id}`,
    `slk_${id}_short`,
    `SLK_${id}_${secret}`,
    `slk_${id}_${secret}x`,
    ` slk_${id}_${secret}`,
    `slk_${id}_${secret}\n`,
  ])('is not %j', (text) => expect(parseApiKey(text)).toBeNull());

  it('is kept as the SHA-256 of its secret', () => {
    expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
