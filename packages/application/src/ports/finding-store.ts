import type {
  CheckName,
  FindingState,
  FoundFinding,
  JsonObject,
  Severity,
  SkippedObject,
  UnknownObject,
} from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

/** What a check found, over time. */
export interface Finding extends FoundFinding {
  readonly id: string;
  readonly targetId: string;
  readonly check: CheckName;
  /** As it is now: a mute that ended counts no more. */
  readonly state: FindingState;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly resolvedAt: Date | null;
  /** In how many runs of the check it was found. */
  readonly occurrences: number;
  readonly mute: FindingMute | null;
  /** The configuration that the check judged by when it was seen last. */
  readonly config: JsonObject;
  /** The task that saw it last. */
  readonly taskId: string;
}

export interface FindingMute {
  readonly reason: string;
  /** Null = until somebody ends it. */
  readonly until: Date | null;
  readonly by: string;
  readonly at: Date;
}

export interface FindingFilter {
  readonly targetId?: string | undefined;
  readonly check?: CheckName | undefined;
  readonly state?: FindingState | undefined;
  readonly severity?: Severity | undefined;
}

/** The latest run of a check on a target. */
export interface CheckRun {
  readonly targetId: string;
  readonly check: CheckName;
  readonly taskId: string;
  readonly at: Date;
  readonly checked: number;
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
  readonly found: number;
  readonly figures: JsonObject;
  readonly config: JsonObject;
}

export interface FindingReader {
  get(id: string): Promise<Finding | undefined>;
  /** Newest first by first sight. */
  list(page: Page, filter?: FindingFilter): Promise<PageOf<Finding>>;
  /** How many are open, neither muted nor resolved. */
  countOpen(targetId: string, severity: Severity): Promise<number>;
  /** The latest run of every check that ran on the target, by name of the check. */
  latestRuns(targetId: string): Promise<readonly CheckRun[]>;
}

export interface FindingWriter {
  getForUpdate(id: string): Promise<Finding | undefined>;
  /** Sets or ends the mute. */
  setMute(id: string, mute: FindingMute | null): Promise<void>;
}
