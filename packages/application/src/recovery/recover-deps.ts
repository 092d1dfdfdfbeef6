import type {
  Executor,
  ExpiredTask,
  Recoveries,
  Remnants,
  TakenOver,
  TargetGateway,
  TaskExecutions,
} from '../ports/index.ts';
import type { LeaseTimes } from '../task/index.ts';
import type { Finding } from './finding.ts';
import type { RecoveryTimes } from './recovery-times.ts';

/** What recovery works with. */
export interface RecoverDeps {
  readonly recoveries: Recoveries;
  readonly remnants: Pick<Remnants, 'listOpen' | 'close'>;
  readonly executions: Pick<TaskExecutions, 'gate' | 'renew'>;
  readonly gateway: TargetGateway;
  readonly executorOf: (type: string) => Executor | undefined;
  /** Folders whose files executors may touch. Default: none. */
  readonly fileRoots?: readonly string[] | undefined;
  /** Task types this worker has; others are left to others. */
  readonly types: readonly string[];
  readonly workerId: string;
  readonly times: LeaseTimes;
  /** Ends the process at once: work on a target could not be stopped in time. */
  readonly exit: (why: string) => void;
  /** Default: by the life of leases. */
  readonly patience?: RecoveryTimes;
  /** Called once per take-over, for metrics and logs. */
  readonly onRecovered?: (taken: TakenOver, recovered: Recovered) => void;
  /** Called with what an executor threw that nobody foresaw; the ledger only says `internal_error`. */
  readonly onUnexpected?: (taken: TakenOver, error: unknown) => void;
  /** Called when a task could not be recovered for want of the ledger; it will be tried again. */
  readonly onError?: (task: ExpiredTask, error: unknown) => void;
}

/** What became of a task that was taken over: the decision that was written, or that the right to write one was lost. */
export type Recovered = Finding['decision']['kind'] | 'lost' | 'stopped';
