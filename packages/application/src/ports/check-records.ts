import type { CheckReport, JsonObject } from '@slacktide/domain';
import type { ClaimedTask } from './task-executions.ts';

/** Where reports of checks become findings. */
export interface CheckRecords {
  /**
   * Writes a report in one transaction: findings opened, seen again, reopened, resolved, each change with its audit event; the run with its
   * skipped and unknown objects; its snapshot; the health signal of the check. `config` is what the check judged by. Fenced: false means the
   * right to write is gone, and nothing was written.
   */
  record(claimed: ClaimedTask, report: CheckReport, config: JsonObject): Promise<boolean>;
}
