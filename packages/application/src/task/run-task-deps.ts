import type {
  ActRecords,
  CheckRecords,
  ClaimedTask,
  Executor,
  Observations,
  Remnants,
  TargetGateway,
  TargetLeases,
  TaskExecutions,
  TaskOutcome,
  UpkeepStore,
} from '../ports/index.ts';
import type { LeaseTimes } from './lease-times.ts';
import type { RunningTasks } from './running-tasks.ts';
import type { ThrottleTiming } from './throttle-of.ts';

/** All that running a task needs. */
export interface RunTaskDeps {
  readonly executions: TaskExecutions;
  readonly remnants: Remnants;
  readonly records: CheckRecords;
  readonly actRecords: ActRecords;
  readonly observations: Observations;
  readonly upkeep: UpkeepStore;
  /** Folders whose files executors may touch. Default: none. */
  readonly fileRoots?: readonly string[] | undefined;
  /** Whether what an admin registered may be run. Default: no. */
  readonly customTasks?: boolean | undefined;
  readonly leases: TargetLeases;
  readonly gateway: TargetGateway;
  readonly executorOf: (type: string) => Executor | undefined;
  readonly running: RunningTasks;
  readonly workerId: string;
  readonly times: LeaseTimes;
  /** How pauses for the target's load go by. Default: by the real clock, every 2 s. */
  readonly throttling?: ThrottleTiming | undefined;
  /** Between 0 and 1; spreads the retries of workers that wait for one target. */
  readonly random: () => number;
  /** Ends the process at once: work on a target could not be stopped in time. */
  readonly exit: (why: string) => void;
  /** Called once per finished task, for metrics and logs. */
  readonly onFinished?: (claimed: ClaimedTask, outcome: TaskOutcome, durationMs: number) => void;
  /** Called with what an executor threw that nobody foresaw; the ledger only says `internal_error`. */
  readonly onUnexpected?: (claimed: ClaimedTask, error: unknown) => void;
}
