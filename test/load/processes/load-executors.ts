import type { Executor } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({ seconds: z.number().min(0).default(0) });
type Config = z.infer<typeof config>;

/** Plans one step that does nothing, on a session that may only look. */
export const loadNothing: Executor<Config, null> = {
  taskType: {
    type: 'LOAD_NOTHING',
    category: 'observation',
    access: 'observe',
    class: 'idempotent',
    description: 'Does nothing: what it costs is what a task costs.',
    config,
  },
  readFacts: () => Promise.resolve({ kind: 'facts', facts: null }),
  plan: () => onePlan('nothing', 'SELECT'),
  runStep: () => Promise.resolve({ kind: 'done', result: {} }),
};

/** Sleeps on the target, alone there: work that can be cancelled or cut short. */
export const loadSleep: Executor<Config, null> = {
  taskType: {
    type: 'LOAD_SLEEP',
    category: 'observation',
    access: 'act',
    class: 'idempotent',
    description: 'Sleeps on the target.',
    config,
  },
  readFacts: () => Promise.resolve({ kind: 'facts', facts: null }),
  plan: (_facts, { seconds }) => onePlan('sleep', `SELECT pg_sleep(${seconds})`),
  async runStep(step, { session }) {
    await session.execute(step.statements[0] ?? '');
    return { kind: 'done', result: {} };
  },
};

/** All of them; the worker of the load tests has no others. */
export const loadExecutors: readonly Executor[] = [loadNothing, loadSleep] as readonly Executor[];

function onePlan(key: string, statement: string): ReturnType<Executor['plan']> {
  return {
    steps: [
      {
        key,
        object: { kind: 'database', oid: null, schema: null, name: key },
        statements: [statement],
        lockMode: null,
        sizeBytes: null,
        expectedSeconds: null,
        reversible: true,
        data: {},
      },
    ],
    checked: 1,
    skipped: [],
    unknown: [],
  };
}
