import type { JsonObject, WatchState } from '@slacktide/domain';

/** What a watch judges by, and what follows from it. */
export interface WatchRule {
  /** Executions, before and since, that tell something. */
  readonly minCalls: number;
  /** How much longer the mean time of a statement may get. */
  readonly maxSlowerPercent: number;
  /** Takes back what was done when it turned out badly. */
  readonly rollBackWhenWorse: boolean;
}

/** Looks that are to be taken at what something that was done leads to. */
export interface NewWatch {
  /** What was changed, `schema.name`, quoted by the server: that of its rollback point, which must be written before. */
  readonly object: string;
  /** The table whose statements are watched, quoted. */
  readonly table: string;
  /** How things stood before; whoever looks knows how to read it. */
  readonly baseline: JsonObject;
  readonly rule: WatchRule;
  readonly lookEverySeconds: number;
  readonly lastsSeconds: number;
}

/** A watch as the ledger has it. */
export interface Watch extends NewWatch {
  readonly id: string;
  readonly targetId: string;
  readonly jobId: string;
  readonly taskId: string;
  readonly rollbackPointId: string;
  readonly state: WatchState;
  readonly startedAt: Date;
  readonly until: Date;
  /** Of the latest look; null = there was none. */
  readonly evidence: JsonObject | null;
  /** The latest job that looks. */
  readonly lookJobId: string | null;
  /** The job that takes it back. */
  readonly rollbackJobId: string | null;
}

/** What a look came to. */
export interface WatchLook {
  readonly state: WatchState;
  readonly evidence: JsonObject;
}

/** Watches, in a transaction. Rows that others hold are left to them, so that any number of processes may do this at once. */
export interface WatchWriter {
  /** Watches whose next look is due and none of whose looks is still on its way, locked, with their targets. */
  takeDue(limit: number): Promise<readonly Watch[]>;
  /** A look was begun; the next is due after `lookEverySeconds`. */
  looking(id: string, jobId: string): Promise<void>;
  /** Watches that turned out badly and are to be taken back, and are not yet, locked, with their targets. */
  takeWorse(limit: number): Promise<readonly Watch[]>;
  rollingBack(id: string, jobId: string): Promise<void>;
}
