import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maintenanceBundles } from './bundles.ts';
import { checkCron } from './cron.ts';
import { nextFiring } from './firings.ts';
import { isIdentifier } from './identifier.ts';
import { normaliseTasks, type TaskInput } from './normalise-tasks.ts';
import { planToFlow } from './plan-to-flow.ts';
import { isWithinWindow } from './window.ts';

function specs(...input: TaskInput[]) {
  const result = normaliseTasks(input);
  if (result.kind === 'problems') throw new Error(JSON.stringify(result.problems));
  return result.tasks;
}
function problems(...input: TaskInput[]) {
  const result = normaliseTasks(input);
  if (result.kind === 'tasks') throw new Error('expected problems');
  return result.problems.map(({ pointer, code }) => [pointer, code]);
}

describe('normaliseTasks', () => {
  test('gives keys, and makes each task need the one before it', () => {
    expect(specs('INDEX_REBUILD', { type: 'STATISTICS_UPDATE', config: { limit: 3 } }, 'INDEX_REBUILD')).toEqual([
      { key: 'index-rebuild', type: 'INDEX_REBUILD', config: {}, needs: [], timeLimitSeconds: 43_200 },
      {
        key: 'statistics-update',
        type: 'STATISTICS_UPDATE',
        config: { limit: 3 },
        needs: ['index-rebuild'],
        timeLimitSeconds: 43_200,
      },
      {
        key: 'index-rebuild-2',
        type: 'INDEX_REBUILD',
        config: {},
        needs: ['statistics-update'],
        timeLimitSeconds: 43_200,
      },
    ]);
  });

  test('keeps a written time limit', () => {
    const tasks = specs({ type: 'A', timeLimitSeconds: 60 }, 'B');
    expect(tasks.map(({ timeLimitSeconds }) => timeLimitSeconds)).toEqual([60, 43_200]);
  });

  test('keeps written keys and needs; a made key gives way to a written one', () => {
    const tasks = specs('CHECKPOINT', { type: 'MVCC_CLEANUP', key: 'checkpoint', needs: [] }, 'CHECKPOINT');
    expect(tasks.map(({ key, needs }) => [key, needs])).toEqual([
      ['checkpoint-2', []],
      ['checkpoint', []],
      ['checkpoint-3', ['checkpoint']],
    ]);
  });

  test('a task may need one that stands later in the list', () => {
    const tasks = specs({ type: 'A', key: 'a', needs: ['b'] }, { type: 'B', key: 'b', needs: [] });
    expect(tasks.map(({ needs }) => needs)).toEqual([['b'], []]);
  });

  test.each<[string, TaskInput[], [string, string][]]>([
    ['an empty list', [], [['/tasks', 'empty']]],
    ['more than 100', Array.from({ length: 101 }, () => 'A'), [['/tasks', 'too_many']]],
    ['an unknown need', ['A', { type: 'B', needs: ['a', 'x'] }], [['/tasks/1/needs/1', 'unknown_need']]],
    ['a need of itself', [{ type: 'A', key: 'a', needs: ['a'] }], [['/tasks/0/needs/0', 'self_need']]],
    ['a need twice', ['A', { type: 'B', needs: ['a', 'a'] }], [['/tasks/1/needs/1', 'duplicate_need']]],
    [
      'a key twice',
      [
        { type: 'A', key: 'k' },
        { type: 'B', key: 'k' },
      ],
      [['/tasks/1/key', 'duplicate_key']],
    ],
    ['a key that is none', [{ type: 'A', key: 'A b' }], [['/tasks/0/key', 'invalid_key']]],
    ['a hostile type', ['A; DROP TABLE x'], [['/tasks/0', 'invalid_type']]],
    [
      'several at once',
      [
        { type: 'A', key: '!' },
        { type: 'B', needs: ['x', 'b'] },
      ],
      [
        ['/tasks/0/key', 'invalid_key'],
        ['/tasks/1/needs/0', 'unknown_need'],
        ['/tasks/1/needs/1', 'self_need'],
      ],
    ],
  ])('refuses %s', (_, input, expected) => {
    expect(problems(...input)).toEqual(expected);
  });

  test('names the path of a cycle and points at a need that was written', () => {
    const input = [
      'CHECKPOINT',
      { type: 'A', key: 'a', needs: ['c'] },
      { type: 'B', key: 'b' },
      { type: 'C', key: 'c' },
    ];
    expect(normaliseTasks(input)).toEqual({
      kind: 'problems',
      problems: [
        {
          pointer: '/tasks/1/needs/0',
          code: 'cycle',
          detail: 'tasks need each other in a circle: a → c → b → a',
        },
      ],
    });
  });

  test('takes any hundred types, in tasks with unique keys whose flow can be made', () => {
    const type = fc.constantFrom('A', 'A_2', 'INDEX_REBUILD', 'B');
    fc.assert(
      fc.property(fc.array(type, { minLength: 1, maxLength: 100 }), (types) => {
        const tasks = specs(...types);
        expect(new Set(tasks.map(({ key }) => key)).size).toBe(types.length);
        expect(tasks.map((task) => task.type)).toEqual(types);
        expect(tasks.every(({ key }) => isIdentifier(key))).toBe(true);
        expect(planToFlow(tasks)).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });
});

describe('maintenanceBundles', () => {
  const bundles = maintenanceBundles(['shop']);

  test('are disabled, for the targets given, and fire inside their windows', () => {
    expect(bundles.map(({ id }) => id)).toEqual([
      'postgres-care',
      'daily-maintenance',
      'weekly-maintenance',
      'monthly-maintenance',
    ]);
    for (const bundle of bundles) {
      expect(bundle).toMatchObject({ enabled: false, timezone: 'UTC', targets: { kind: 'ids', ids: ['shop'] } });
      expect(isIdentifier(bundle.id)).toBe(true);
      expect(checkCron(bundle.cronExpression, bundle.timezone)).toEqual({ kind: 'valid' });
      const firing = nextFiring(bundle.cronExpression, bundle.timezone, new Date('2026-11-22T12:00:00Z'));
      expect(firing && isWithinWindow(bundle.window, firing)).toBe(true);
    }
  });

  test('are those of the maintenance procedures', () => {
    expect(
      bundles.map(({ cronExpression, window, tasks }) => [cronExpression, window, tasks.map((t) => t.type)]),
    ).toEqual([
      ['0 * * * *', null, ['POSTGRES_CARE']],
      ['0 3 * * *', { startHour: 2, endHour: 4 }, ['STATISTICS_UPDATE', 'METRICS_COLLECTION', 'DATABASE_CHECK']],
      ['0 2 * * 0', { startHour: 1, endHour: 5 }, ['MVCC_CLEANUP', 'STATISTICS_UPDATE', 'METRICS_COLLECTION']],
      [
        '0 1 * * 0#1',
        { startHour: 1, endHour: 6 },
        ['INDEX_REBUILD', 'STATISTICS_UPDATE', 'CHECKPOINT', 'METRICS_COLLECTION'],
      ],
    ]);
  });
});
