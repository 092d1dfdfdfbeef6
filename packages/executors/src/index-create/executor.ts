import type { Executor } from '@slacktide/application/ports';
import { type IndexCreateFacts, readIndexCreateFacts } from './facts.ts';
import { inspectCreate } from './inspect.ts';
import { planIndexCreate } from './plan.ts';
import { rollBackCreate } from './roll-back.ts';
import { runCreateStep } from './run-step.ts';
import { type IndexCreateConfig, taskType } from './schema.ts';
import { sweepCreated } from './whole-remnant.ts';

/** CREATE INDEX CONCURRENTLY, of partitioned tables partition by partition, verified, leaving nothing invalid behind. */
export const indexCreate: Executor<IndexCreateConfig, IndexCreateFacts> = {
  taskType,
  readFacts: readIndexCreateFacts,
  plan: planIndexCreate,
  runStep: runCreateStep,
  inspect: inspectCreate,
  rollBack: rollBackCreate,
  sweep: sweepCreated,
  summarise: (results) => ({
    bytes_made: results.reduce(
      (sum, { outcome }) => sum + (outcome.kind === 'done' ? Number(outcome.result['size_bytes'] ?? 0) : 0),
      0,
    ),
  }),
};
