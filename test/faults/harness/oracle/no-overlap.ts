import type { Evidence, Invariant } from './evidence.ts';

/** I2: by the target's own log, no two statements that change it were ever at work at once. */
export const noOverlap: Invariant = ({ acts }: Evidence) => {
  const violations: string[] = [];
  const latest = new Map<string, (typeof acts)[number]>();
  for (const act of acts) {
    const before = latest.get(act.targetId);
    if (before !== undefined && before.session !== act.session && act.beganAtMs < before.endedAtMs) {
      violations.push(
        `${act.targetId}: ${act.applicationName} began ${before.endedAtMs - act.beganAtMs} ms before ${before.applicationName} was over`,
      );
    }
    if (before === undefined || act.endedAtMs > before.endedAtMs) latest.set(act.targetId, act);
  }
  return violations;
};
