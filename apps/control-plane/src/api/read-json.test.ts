import { expect, it } from 'vitest';
import { readJson } from './read-json.ts';

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const tooDeep = { code: 'malformed_request', message: 'The body nests more than 32 levels deep' };

it('reads 32 levels and no more', () => {
  expect(readJson(nested(32))).toEqual(JSON.parse(nested(32)));
  expect(() => readJson(nested(33))).toThrow(expect.objectContaining(tooDeep));
  expect(() => readJson('{"a":'.repeat(33))).toThrow(expect.objectContaining(tooDeep));
});

it('does not count brackets within strings', () => {
  for (const text of ['[['.repeat(50), `\\"${'{'.repeat(50)}`, `\\\\${'['.repeat(50)}`]) {
    expect(readJson(`["${text}"]`)).toEqual(JSON.parse(`["${text}"]`));
  }
  expect(() => readJson(`["\\\\", ${nested(33)}]`)).toThrow(expect.objectContaining(tooDeep));
});

it('takes time in proportion to the body, whatever is in it', () => {
  const bodies = ['"', '\\"', '"\\', '[', '{"', '\\\\"', '"\\"'].map((part) => part.repeat(60_000 / part.length));
  for (const body of bodies) expect(() => readJson(`"${body}`)).toThrow();
});

it('names every __proto__ there is', () => {
  const read = () => readJson('{"__proto__":{"__proto__":1},"a":[{"b/c":{"__proto__":2}}]}');
  const problem = { code: 'unknown_field', detail: 'This field is not known' };
  expect(read).toThrow(
    expect.objectContaining({
      code: 'invalid_request',
      problems: [
        { pointer: '/__proto__', ...problem },
        { pointer: '/a/0/b~1c/__proto__', ...problem },
      ],
    }),
  );
  expect(readJson('{"proto":"__proto__"}')).toEqual({ proto: '__proto__' });
});
