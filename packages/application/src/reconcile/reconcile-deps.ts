import type { State } from '@slacktide/domain';
import type { DispatchRepairs, Reconciliation, TaskExecutions } from '../ports/index.ts';
import type { Repair } from './repair.ts';

export interface ReconcileDeps {
  readonly reconciliation: Reconciliation;
  readonly repairs: DispatchRepairs;
  readonly executions: Pick<TaskExecutions, 'finalise'>;
  /** Fires schedules that are overdue, up to `limit` of them; resolves with the ids of those it fired. */
  readonly fireOverdue: (limit: number) => Promise<readonly string[]>;
  /** Told of what was put right, as soon as it was. */
  readonly onRepair: (repair: Repair) => void;
  /** Told of each job that was ended here. */
  readonly onFinalised?: (job: { readonly state: State; readonly neverStarted: readonly string[] }) => void;
  /** Told of what could not be put right; the pass goes on, and the next one tries again. */
  readonly onError: (error: unknown, what: string) => void;
}

/** What a part of a pass leaves: true = it was cut short by its bound, and there is more to do at once. */
export type HasMore = boolean;
