import { OperationInput } from '@slacktide/contract';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '../app-error.ts';
import type { TaskType } from '../ports/index.ts';
import { taskTypeCatalog } from '../task-type/task-type-catalog.ts';
import { operationTask } from './operation-task.ts';

const tables = z.array(z.string().max(20)).max(2).default([]);
const limit = (most: number) => z.int().min(0).max(most).default(10);
const type = (name: string, config: z.ZodType): TaskType => ({
  type: name,
  category: 'storage',
  access: 'act',
  class: 'idempotent',
  description: name,
  config: config as TaskType['config'],
});
const catalog = taskTypeCatalog([
  type(
    'MVCC_CLEANUP',
    z.strictObject({
      tables,
      scope: z.enum(['due', 'all']).default('due'),
      freeze: z.boolean().default(false),
    }),
  ),
  type(
    'STATISTICS_UPDATE',
    z.strictObject({ tables, scope: z.enum(['due', 'all']).default('due'), max_tables: limit(1_000) }),
  ),
  type(
    'INDEX_REBUILD',
    z.strictObject({
      tables,
      bloat_threshold: limit(100),
      min_size_mb: limit(100),
      max_indexes: limit(10_000),
      max_total_mb: limit(100).nullable(),
      cooldown_days: limit(100),
      heed_advice: z.boolean().default(true),
    }),
  ),
  type('CHECKPOINT', z.strictObject({ force: z.boolean().default(false) })),
]);

function attempt(body: unknown) {
  try {
    return operationTask(catalog, OperationInput.parse(body));
  } catch (error) {
    if (error instanceof AppError) return error.problems.map(({ pointer, code }) => `${pointer} ${code}`);
    throw error;
  }
}

describe('operationTask', () => {
  it.each([
    ['vacuum', 'MVCC_CLEANUP', { scope: 'all' }],
    ['analyze', 'STATISTICS_UPDATE', { scope: 'all' }],
    [
      'reindex',
      'INDEX_REBUILD',
      {
        bloat_threshold: 0,
        min_size_mb: 0,
        max_indexes: 10_000,
        max_total_mb: null,
        cooldown_days: 0,
        heed_advice: false,
      },
    ],
  ])('%s is a task of type %s: of the tables named, or of all of them', (operation, taskType, everything) => {
    expect(attempt({ operation, tables: ['orders'] })).toMatchObject({
      type: taskType,
      needs: [],
      config: { tables: ['orders'] },
    });
    expect(attempt({ operation, tables: ['orders'] })).not.toMatchObject({ config: everything });
    expect(attempt({ operation })).toMatchObject({ type: taskType, config: { tables: [], ...everything } });
  });

  it('may run as long as it is told, else twelve hours', () => {
    expect(attempt({ operation: 'vacuum', time_limit_seconds: 60 })).toMatchObject({ timeLimitSeconds: 60 });
    expect(attempt({ operation: 'vacuum' })).toMatchObject({ timeLimitSeconds: 43_200 });
  });

  it('what the options say comes before the limits of "all"', () => {
    const body = { operation: 'vacuum', options: { scope: 'due', freeze: true } };
    expect(attempt(body)).toMatchObject({ config: { scope: 'due', freeze: true } });
  });

  it('checkpoint is forced unless told otherwise, and takes no tables', () => {
    expect(attempt({ operation: 'checkpoint' })).toMatchObject({ type: 'CHECKPOINT', config: { force: true } });
    expect(attempt({ operation: 'checkpoint', options: { force: false } })).toMatchObject({ config: { force: false } });
    expect(attempt({ operation: 'checkpoint', tables: ['orders'] })).toEqual(['/tables not_applicable']);
  });

  it.each([
    [
      { operation: 'vacuum', options: { freeze: 'yes', speed: 1 } },
      ['/options/freeze wrong_type', '/options/speed unknown_field'],
    ],
    [{ operation: 'vacuum', tables: ['orders', 'x'.repeat(21)] }, ['/tables/1 too_big']],
    [{ operation: 'vacuum', options: { tables: ['orders'] } }, ['/options/tables not_allowed']],
  ])('refuses %j', (body, expected) => expect(attempt(body)).toEqual(expected));
});
