import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordsOf } from './statement-words.ts';

describe('wordsOf', () => {
  it('finds every name, as the catalogue has it', () => {
    expect(wordsOf('SELECT Evil($1), "Quoted ""Name""", s.f$x FROM public."T" -- hidden()')).toEqual(
      expect.arrayContaining(['evil', 'Quoted "Name"', 's', 'f$x', 'public', 'T', 'hidden']),
    );
    expect(wordsOf('SELECT größe()')).toContain('größe');
  });

  it('cuts names where the server does', () => {
    expect(wordsOf(`SELECT ${'x'.repeat(70)}()`)).toContain('x'.repeat(63));
    expect(wordsOf(`SELECT "${'ü'.repeat(40)}"()`)).toContain('ü'.repeat(31));
  });

  it('gives up where names are written in another way', () => {
    expect(wordsOf('SELECT U&"\\0065vil"()')).toBeUndefined();
    expect(wordsOf('select u& "d"()')).toBeUndefined();
  });

  it('finds any plain name wherever it stands', () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,20}$/);
    const around = fc.stringMatching(/^[ ()+*,.;=']{1,5}$/);
    fc.assert(
      fc.property(around, name, around, (before, word, after) => {
        expect(wordsOf(`${before}${word}${after}`)).toContain(word);
      }),
    );
  });
});
