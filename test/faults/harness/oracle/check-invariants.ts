import type { Rig } from '../rig.ts';
import { auditChainVerifies, stateIsFoldOfAudit } from './audit.ts';
import { effectsMatchAttempts } from './effects.ts';
import { gatherEvidence, type Invariant } from './evidence.ts';
import { noStaleWrites } from './fences.ts';
import { everyActHasAFence } from './known-acts.ts';
import { noOverlap } from './no-overlap.ts';
import { nothingLost } from './nothing-lost.ts';
import { redisAtRest } from './redis-at-rest.ts';
import { noSecretShown } from './secrets.ts';
import { statementsAreSafe } from './statements.ts';
import { everyTickHasOneJob } from './ticks.ts';
import { nothingOutsideWindows } from './windows.ts';

const invariants: Readonly<Record<string, Invariant>> = {
  'I1 nothing lost': nothingLost,
  'I2 no overlap': noOverlap,
  'I2 every act has a fence': everyActHasAFence,
  'I3 effects match attempts': effectsMatchAttempts,
  'I4 state is the fold of the audit': stateIsFoldOfAudit,
  'I4 the audit chain verifies': auditChainVerifies,
  'I5 no stale writes': noStaleWrites,
  'I6 every tick has one job': everyTickHasOneJob,
  'I7 nothing outside windows': nothingOutsideWindows,
  'I8 Redis at rest': redisAtRest,
  'I9 no secret shown': noSecretShown,
  'I10 statements are safe': statementsAreSafe,
};
/** Violations told of one invariant: the first few say it all. */
const told = 10;

/**
 * The oracle. Heals everything, waits until all that was accepted is over (T = 60 s), and checks every invariant against
 * ledger, Redis, logs, answers, and the target's own log. @throws Error that lists all violations.
 */
export async function checkInvariants(
  rig: Rig,
  { settleLimitMs = 60_000 }: { settleLimitMs?: number } = {},
): Promise<void> {
  await rig.heal();
  const healedAtMs = performance.now();
  const late = await rig.settled(rig.accepted, settleLimitMs).then(
    () => undefined,
    (error: Error) => error,
  );
  rig.trial.report('all over after healing, seconds', ((performance.now() - healedAtMs) / 1000).toFixed(1));
  const evidence = await gatherEvidence(rig);
  const violations: string[] = [];
  for (const [name, invariant] of Object.entries(invariants)) {
    const broken = await invariant(evidence);
    violations.push(...broken.slice(0, told).map((each) => `${name}: ${each}`));
    if (broken.length > told) violations.push(`${name}: … and ${broken.length - told} more`);
  }
  const states = Map.groupBy(evidence.jobs, ({ state }) => state);
  const counts = [...states].map(([state, jobs]) => `${jobs.length} ${state}`).join(', ');
  rig.trial.log(
    `${evidence.jobs.length} jobs (${counts}), ${evidence.acts.length} acts on the targets, ${evidence.audit.length} audit events`,
  );
  if (late !== undefined || violations.length > 0) {
    throw new Error(`the oracle found:\n${violations.join('\n')}`, { cause: late });
  }
}
