import type {
  CheckRecords,
  ClaimedTask,
  Executor,
  Observations,
  Remnants,
  TargetGateway,
  TargetLeases,
  TaskExecutions,
  TaskOutcome,
} from '../ports/index.ts';
import type { LeaseTimes } from './lease-times.ts';
import type { RunningTasks } from './running-tasks.ts';

/** All that running a task needs. */
export interface RunTaskDeps {
  readonly executions: TaskExecutions;
  readonly remnants: Remnants;
  readonly records: CheckRecords;
  readonly observations: Observations;
  readonly leases: TargetLeases;
  readonly gateway: TargetGateway;
  readonly executorOf: (type: string) => Executor | undefined;
  readonly running: RunningTasks;
  readonly workerId: string;
  readonly times: LeaseTimes;
  /** Between 0 and 1; spreads the retries of workers that wait for one target. */
  readonly random: () => number;
  /** Ends the process at once: work on a target could not be stopped in time. */
  readonly exit: (why: string) => void;
  /** Called once per finished task, for metrics and logs. */
  readonly onFinished?: (claimed: ClaimedTask, outcome: TaskOutcome, durationMs: number) => void;
  /** Called with what an executor threw that nobody foresaw; the ledger only says `internal_error`. */
  readonly onUnexpected?: (claimed: ClaimedTask, error: unknown) => void;
}
