import type { CheckName, FoundFinding, JsonObject, ReconciledFindings } from '@slacktide/domain';

/** The run of a check whose report is being written. */
export interface RecordedRun {
  readonly targetId: string;
  readonly check: CheckName;
  readonly taskId: string;
  readonly at: Date;
  /** What the check judged by. */
  readonly config: JsonObject;
}

/** A finding that was not known, and the id it gets. */
export interface BornFinding {
  readonly id: string;
  readonly found: FoundFinding;
}

/** What is to be written of a report's findings. */
export interface FindingChanges extends Omit<ReconciledFindings, 'opened' | 'kept'> {
  readonly born: readonly BornFinding[];
}
