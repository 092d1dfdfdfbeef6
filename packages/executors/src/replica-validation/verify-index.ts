import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { amcheck } from '@slacktide/checks';
import { isThere, onStandby } from './on-standby.ts';

/** Verifies one index on one standby, whose pages are its own: what is sound on the primary need not be so there. */
export async function verifyIndex(step: PlannedStep, run: StepRun<unknown>): Promise<StepOutcome> {
  const [statement] = step.statements;
  const { oid } = step.object;
  const standby = String(step.data['standby']);
  const quoted = String(step.data['quoted']);
  if (statement === undefined || oid === null) throw new Error(`expected an index and a statement in ${step.key}`);
  return await onStandby(run, standby, async (reader) => {
    if (!(await isThere(reader, oid, quoted))) return { kind: 'skipped', reason: 'not_there' };
    const verdict = await amcheck.judged(async () => {
      await reader.query(statement);
      return { kind: 'sound' };
    });
    if (verdict.kind === 'sound') return { kind: 'done', result: { verdict: 'sound', standby } };
    if (verdict.kind === 'unverified') return { kind: 'skipped', reason: verdict.reason };
    const advice = 'verify the same index on the primary, and fail over to this standby only once it was made anew';
    return {
      kind: 'failed',
      error: {
        code: 'corruption_found',
        message: `${quoted} is corrupt on standby ${standby}: ${verdict.message}; ${advice}`,
        detail: { standby, message: verdict.message, ...verdict.details },
      },
    };
  });
}
