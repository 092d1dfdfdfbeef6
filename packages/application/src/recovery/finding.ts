import type { JsonObject, RecoveryDecision } from '@slacktide/domain';
import type { EpochChange, Inspection, Predecessor, TaskOutcome } from '../ports/index.ts';
import type { SweptRemnants } from '../task/index.ts';

/** What recovery decided about a task, and all it came to know on the way. */
export interface Finding {
  readonly decision: Exclude<RecoveryDecision, { kind: 'end_session' }>;
  /** What became of the server since the work began; left out when it was not asked. */
  readonly server?: EpochChange;
  /** The session of the dead worker, where it was still there. */
  readonly session?: Extract<Predecessor, { kind: 'running' }>;
  /** The end as the worker's own steps tell it. */
  readonly recorded?: TaskOutcome;
  readonly inspection?: Inspection;
  readonly rolledBack?: JsonObject;
  readonly swept?: SweptRemnants;
  /** What stood in the way. */
  readonly problem?: { readonly code: string; readonly message: string };
}
