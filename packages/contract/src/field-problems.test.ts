import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldProblems, pointerTo } from './field-problems.ts';
import { PlanInput } from './plan.ts';
import { TargetInput } from './target.ts';

function problemsOf(schema: z.ZodType, value: unknown, prefix?: string) {
  const parsed = schema.safeParse(value);
  if (parsed.success) throw new Error('expected the value to be refused');
  return fieldProblems(parsed.error, prefix);
}

describe('fieldProblems', () => {
  it('names a missing, a mistyped and an unknown field', () => {
    const problems = problemsOf(TargetInput, { name: 5, speed: 1 });
    expect(problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/name', 'wrong_type'],
      ['/connection', 'required'],
      ['/speed', 'unknown_field'],
    ]);
  });

  it('carries the code of a check of ours', () => {
    const [problem] = problemsOf(TargetInput, { name: 'x', connection: 'postgresql://u:hunter2@h/d' });
    expect(problem).toMatchObject({ pointer: '/connection', code: 'password_in_connection' });
    expect(problem?.detail).not.toContain('hunter2');
  });

  it('reports of a union what is wrong with the form that was meant', () => {
    const tasks = [3, { type: 'CHECKPOINT', speed: 1 }, { key: 'x' }, 'not a type'];
    const problems = problemsOf(PlanInput, { target_id: 'shop', tasks });
    expect(problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/tasks/0', 'wrong_type'],
      ['/tasks/1/speed', 'unknown_field'],
      ['/tasks/2/type', 'required'],
      ['/tasks/3', 'invalid_format'],
    ]);
  });

  it('points beneath a prefix, and at query parameters', () => {
    expect(problemsOf(z.strictObject({ limit: z.int().max(3) }), { limit: 9 }, '/options')[0]?.pointer).toBe(
      '/options/limit',
    );
    expect(problemsOf(z.strictObject({ limit: z.int().max(3) }), { limit: 9 }, '?')[0]?.pointer).toBe('?limit');
  });

  it('never repeats a value of the request', () => {
    const secret = 'hunter2-hunter2';
    const schema = z.strictObject({
      a: z.enum(['x']),
      b: z.string().max(2),
      c: z.uuid(),
      d: z.string().regex(/^\d$/),
      e: z.record(z.string().regex(/^\d$/), z.int()),
    });
    const problems = problemsOf(schema, { a: secret, b: secret, c: secret, d: secret, e: { 1: secret } });
    expect(problems).toHaveLength(5);
    expect(JSON.stringify(problems)).not.toContain(secret);
  });
});

describe('pointerTo', () => {
  it('escapes as RFC 6901 says', () => expect(pointerTo(['labels', 'a/b~c', 0])).toBe('/labels/a~1b~0c/0'));
});
