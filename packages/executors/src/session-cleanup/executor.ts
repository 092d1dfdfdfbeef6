import type { Executor, Inspection, InterruptedWork, TargetReader } from '@slacktide/application/ports';
import { endSession } from './end-session.ts';
import { readSessionCleanupFacts, type SessionCleanupFacts } from './facts.ts';
import { planSessionCleanup } from './plan.ts';
import { rollBackPrepared } from './roll-back-prepared.ts';
import { type SessionCleanupConfig, taskType } from './schema.ts';
import { readSession } from './session-state.ts';

/** Ends stale sessions, one at a time, each proved to be the one that was found. */
export const sessionCleanup: Executor<SessionCleanupConfig, SessionCleanupFacts> = {
  taskType,
  readFacts: readSessionCleanupFacts,
  plan: planSessionCleanup,
  runStep: (step, run) =>
    step.data['work'] === 'rollback_prepared' ? rollBackPrepared(step, run) : endSession(step, run),
  inspect: inspectSessions,
  summarise: (results) => {
    const count = (how: string): number =>
      results.filter(({ outcome }) => outcome.kind === 'done' && outcome.result['ended'] === how).length;
    return {
      terminated: count('terminated'),
      cancelled: count('cancelled'),
      rolled_back: results.filter(({ step, outcome }) => outcome.kind === 'done' && 'gid' in step.data).length,
    };
  },
};

const keyOfSession = /^pid (\d+), since (.+)$/;

/** Whether the session in hand is gone; not by whom: a person has to say that it was us, so it is never told as done. */
async function inspectSessions(
  reader: TargetReader,
  { steps }: InterruptedWork<SessionCleanupConfig>,
): Promise<Inspection> {
  const inHand = steps.filter(({ state }) => state === 'RUNNING');
  const sessions = await Array.fromAsync(inHand, async ({ key }) => {
    const [, pid, start] = keyOfSession.exec(key) ?? [];
    const there = pid !== undefined && (await readSession(reader, Number(pid), start ?? '')) !== undefined;
    return { key, still_there: pid === undefined ? null : there };
  });
  return { kind: 'unclear', evidence: { in_hand: sessions } };
}
