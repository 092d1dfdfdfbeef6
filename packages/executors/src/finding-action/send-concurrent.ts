import { type ConcurrentStatement, runConcurrentText } from '@slacktide/acting';
import type { StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { NotDone } from './not-done.ts';
import type { FindingActionConfig } from './schema.ts';

type Run = StepRun<FindingActionConfig>;

/** Bound of each single wait of a CONCURRENTLY statement, for locks and for snapshots, and of the wait of others for us. */
const limits = { gate: 'wait', lock_timeout_seconds: 30, max_blocking_seconds: 10 } as const;

/** Passes the gate, sends, and clears up when it failed. Null = done. */
export async function sendConcurrent(
  statement: string,
  kind: ConcurrentStatement,
  step: string,
  run: Run,
): Promise<NotDone | null> {
  const { gate_timeout_seconds } = run.config;
  const end = await runConcurrentText(run, statement, kind, step, { ...limits, gate_timeout_seconds });
  // What is not there cannot be waited for, and nothing is left of it: the server says what is wrong, if anything is.
  if (end === undefined) {
    await run.session.execute(statement);
    return null;
  }
  switch (end.kind) {
    case 'done':
      return null;
    case 'skipped':
      return { code: end.reason, message: messages[end.reason], detail: end.result };
    case 'failed': {
      const { code, message, detail } = end.error;
      return { code, message, detail: (detail ?? {}) as JsonObject };
    }
  }
}

const messages = {
  blocked: 'Older transactions are in the way.',
  leftover_present: 'An earlier rebuild of the index left something behind, which has to go first.',
  changed: 'It changed while older transactions were in the way.',
};
