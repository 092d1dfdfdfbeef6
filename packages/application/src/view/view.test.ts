import { Plan as PlanContract, TaskType as TaskTypeContract } from '@slacktide/contract';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { PlannedStep, TaskType } from '../ports/index.ts';
import { planView } from './plan-view.ts';
import { taskTypeView } from './task-type-view.ts';

describe('taskTypeView', () => {
  it('gives the JSON Schema a caller must keep to: defaults may be left out, unknown keys may not come in', () => {
    const view = taskTypeView({
      type: 'SWEEP',
      category: 'storage',
      access: 'act',
      class: 'idempotent',
      description: 'Sweeps.',
      config: z
        .strictObject({ limit: z.int().min(1).default(3).describe('How many') })
        .refine(({ limit }) => limit !== 2) as z.ZodType as TaskType['config'],
    });
    expect(TaskTypeContract.parse(view)).toEqual(view);
    expect(view.config_schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { limit: { type: 'integer', minimum: 1, default: 3, description: 'How many' } },
      additionalProperties: false,
    });
    expect(view.config_schema['required']).toBeUndefined();
  });
});

describe('planView', () => {
  const step = (sizeBytes: number | null, expectedSeconds: number | null): PlannedStep => ({
    key: String(sizeBytes),
    object: { kind: 'index', oid: 7, schema: 'public', name: 'i' },
    statements: ['REINDEX INDEX CONCURRENTLY public.i'],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds,
    reversible: true,
    data: { internal: 'only' },
  });
  const view = (steps: readonly PlannedStep[]) =>
    planView('shop', [
      {
        task: { key: 'rebuild', type: 'INDEX_REBUILD', config: {}, needs: [] },
        plan: { steps, checked: 9, skipped: [{ object: 'public.j', reason: 'not bloated' }], unknown: [] },
      },
    ]).tasks[0];

  it('adds up what is known, and says unknown rather than too little', () => {
    expect(view([step(10, 1), step(5, null)])).toMatchObject({ size_bytes: 15, expected_seconds: null, checked: 9 });
    expect(view([])).toMatchObject({ size_bytes: 0, expected_seconds: 0 });
  });

  it('tells what the history of an object advises, where it was left alone for it and where it is done all the same', () => {
    const skipped = [{ object: 'public.j', reason: 'advised_against', detail: 'set fillfactor 70' }];
    const plan = {
      steps: [{ ...step(1, 1), advice: 'stop rebuilding it' }, step(1, 1)],
      checked: 2,
      skipped,
      unknown: [],
    };
    const task = { key: 'rebuild', type: 'INDEX_REBUILD', config: {}, needs: [] };
    const [told] = planView('shop', [{ task, plan }]).tasks;
    expect(told?.skipped).toEqual(skipped);
    expect(told?.steps.map(({ advice }) => advice)).toEqual(['stop rebuilding it', undefined]);
    expect(PlanContract.parse(planView('shop', [{ task, plan }])).tasks).toEqual([told]);
    expect(view([])?.skipped).toEqual([{ object: 'public.j', reason: 'not bloated' }]);
  });

  it('keeps to itself what only the executor needs', () => {
    expect(JSON.stringify(view([step(1, 1)]))).not.toMatch(/internal|oid/);
  });
});
