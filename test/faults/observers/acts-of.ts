import type { Rig } from '../harness/rig.ts';
import { isActing, type WitnessedStatement } from '../harness/server-log.ts';

/** A statement that changed a target, with the fence under which it was done. */
export interface FencedAct extends WitnessedStatement {
  readonly targetId: string;
  readonly fence: number;
}

/** What the target's own log shows the fleet change on one target, in the order it began. */
export function actsOn(rig: Rig, targetId: string): readonly FencedAct[] {
  return rig
    .witness()
    .filter((statement) => statement.targetId === targetId && isActing(statement))
    .map((statement) => ({
      ...statement,
      fence: Number(/\/(\d+)$/.exec(statement.applicationName)?.[1] ?? Number.NaN),
    }));
}
