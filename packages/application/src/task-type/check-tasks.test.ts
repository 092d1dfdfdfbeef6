import type { JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { TaskType } from '../ports/index.ts';
import { checkTasks } from './check-tasks.ts';
import { taskTypeCatalog } from './task-type-catalog.ts';

const sweep: TaskType = {
  type: 'SWEEP',
  category: 'storage',
  access: 'act',
  class: 'idempotent',
  description: 'Sweeps.',
  config: z.strictObject({
    tables: z.array(z.string()).default([]).describe('Which'),
    limit: z.int().min(1).max(9).default(3).describe('How many'),
  }) as z.ZodType as TaskType['config'],
};
const look: TaskType = {
  ...sweep,
  type: 'LOOK',
  access: 'observe',
  config: z.strictObject({}) as z.ZodType as TaskType['config'],
};
const catalog = taskTypeCatalog([sweep, look]);

function problemsOf(entries: Parameters<typeof checkTasks>[1]) {
  const checked = checkTasks(catalog, entries);
  return checked.kind === 'problems' ? checked.problems.map(({ pointer, code }) => `${pointer} ${code}`) : [];
}

describe('checkTasks', () => {
  it('fills in keys, needs and the defaults of each configuration', () => {
    expect(
      checkTasks(catalog, [
        'SWEEP',
        { type: 'LOOK', key: 'after', needs: [] },
        { type: 'SWEEP', config: { limit: 9 }, time_limit_seconds: 60 },
      ]),
    ).toEqual({
      kind: 'tasks',
      tasks: [
        { key: 'sweep', type: 'SWEEP', config: { tables: [], limit: 3 }, needs: [], timeLimitSeconds: 43_200 },
        { key: 'after', type: 'LOOK', config: {}, needs: [], timeLimitSeconds: 43_200 },
        { key: 'sweep-2', type: 'SWEEP', config: { tables: [], limit: 9 }, needs: ['after'], timeLimitSeconds: 60 },
      ],
    });
  });

  it('keeps keys that the release before lacks only where they differ from their default', () => {
    const config = z.strictObject({
      limit: z.int().default(3).describe('How many'),
      pause: z.strictObject({ ms: z.int().default(5) }).prefault({}),
    });
    const grown = { ...sweep, config: config as z.ZodType as TaskType['config'], newKeys: ['pause'] };
    const configOf = (given: JsonObject) => {
      const checked = checkTasks(taskTypeCatalog([grown]), [{ type: 'SWEEP', config: given }]);
      return checked.kind === 'tasks' ? checked.tasks[0]?.config : checked;
    };
    expect(configOf({})).toEqual({ limit: 3 });
    expect(configOf({ pause: { ms: 5 } })).toEqual({ limit: 3 });
    expect(configOf({ pause: { ms: 6 } })).toEqual({ limit: 3, pause: { ms: 6 } });
  });

  it('names the task, the type and the configuration key that is wrong, all at once', () => {
    expect(
      problemsOf(['NOTHING', { type: 'NOPE' }, { type: 'SWEEP', config: { limit: 10, tables: [1], speed: 2 } }]),
    ).toEqual([
      '/tasks/0 unknown_task_type',
      '/tasks/1/type unknown_task_type',
      '/tasks/2/config/tables/0 wrong_type',
      '/tasks/2/config/limit too_big',
      '/tasks/2/config/speed unknown_field',
    ]);
  });

  it('names the need that closes a circle', () => {
    expect(
      problemsOf([
        { type: 'SWEEP', key: 'a', needs: ['b'] },
        { type: 'SWEEP', key: 'b', needs: ['a'] },
      ]),
    ).toEqual(['/tasks/0/needs/0 cycle']);
  });
});

describe('taskTypeCatalog', () => {
  it('lists by name', () => expect(catalog.list().map(({ type }) => type)).toEqual(['LOOK', 'SWEEP']));
  it('refuses two types of one name', () => expect(() => taskTypeCatalog([sweep, sweep])).toThrow('one name'));
});
