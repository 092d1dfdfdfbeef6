import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import {
  type CheckpointFacts,
  type LatestCheckpoint,
  readCheckpointFacts,
  readCheckpointRights,
  readLatestCheckpoint,
} from './facts.ts';
import { planCheckpoint, tooRecent } from './plan.ts';
import { type CheckpointConfig, taskType } from './schema.ts';

/** CHECKPOINT, verified by the control file. Cancelling it only ends the waiting: the checkpoint itself goes on. */
export const checkpoint: Executor<CheckpointConfig, CheckpointFacts> = {
  taskType,
  readFacts: readCheckpointFacts,
  plan: planCheckpoint,
  runStep: runCheckpoint,
};

async function runCheckpoint(step: PlannedStep, run: StepRun<CheckpointConfig>): Promise<StepOutcome> {
  const [statement] = step.statements;
  if (statement === undefined) throw new Error('expected a statement');
  const rights = await readCheckpointRights(run.observer);
  if (!rights.permitted) return notPermitted(rights.grant);
  const before = await readLatestCheckpoint(run.observer);
  const recent = tooRecent(before.secondsSinceCheckpoint, run.config);
  if (recent !== undefined) return { kind: 'skipped', reason: recent };

  // No view tells how far a checkpoint is.
  run.progress({ phase: 'checkpointing', percent: null, etaSeconds: step.expectedSeconds });
  const { durationMs } = await run.session.execute(statement);
  const after = await readLatestCheckpoint(run.observer);
  if (after.lsn === before.lsn) return notDone(before);
  return {
    kind: 'done',
    result: {
      lsn_before: before.lsn,
      lsn_after: after.lsn,
      checkpoint_at: after.at,
      seconds_since_previous: Math.round(before.secondsSinceCheckpoint),
      dirty_bytes_before: step.sizeBytes,
      duration_ms: Math.round(durationMs),
    },
  };
}

function notPermitted(grant: string): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not CHECKPOINT; cure: ${grant}`,
      detail: { grant },
    },
  };
}

function notDone(before: LatestCheckpoint): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'not_verified',
      message: `CHECKPOINT ended with success, but the control file still names the one at ${before.lsn}`,
    },
  };
}
