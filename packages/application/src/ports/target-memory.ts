import type { CareLayer, CheckName, CustomTemplate, JsonObject } from '@slacktide/domain';
import type { EffectAction, PastEffect, RollbackPoint } from './act-records.ts';
import type { RegisteredBackup } from './backup-store.ts';
import type { LastedEffect } from './effect-history.ts';
import type { PastFollowUp } from './follow-ups.ts';
import type { Learning, LearningKind } from './learnings.ts';
import type { GaugeFilter, GaugeHistory } from './observed-kinds.ts';
import type { TargetReader } from './target-session.ts';
import type { UpkeepReader } from './upkeep.ts';
import type { Watch } from './watches.ts';

/** What an earlier run of a check left for later ones. */
export interface CheckSnapshot {
  readonly at: Date;
  readonly values: JsonObject;
}

/** How an index was used on one node of a target. */
export interface NodeUsage {
  /** `primary`, or the standby's `host:port/database`. */
  readonly node: string;
  /** Since when this node's counters of it never fell: its contiguous observation. */
  readonly observedSince: Date;
  readonly lastSampledAt: Date;
  /** Scans within the asked window, or since `observedSince` when that is shorter. */
  readonly scans: number;
}

/** How an index was used on all nodes of a target, by our own samples. */
export interface ObservedUsage {
  readonly oid: number;
  readonly nodes: readonly NodeUsage[];
}

/** What the ledger remembers of one target, for checks that judge by more than one look. */
export interface CheckMemory {
  /** The ledger's clock. */
  now(): Promise<Date>;
  /** What earlier runs of the check left, newest first. `limit` 1 to 1 000. */
  snapshots(
    check: CheckName,
    options: { readonly since?: Date; readonly limit: number },
  ): Promise<readonly CheckSnapshot[]>;
  /** Use of every index within the last `windowDays`, by its OID on the primary. */
  usage(windowDays: number): Promise<readonly ObservedUsage[]>;
}

/** How often the safeguards had to step in on a target, by the job history (24 h unless configured otherwise). */
export interface SafeguardFigures {
  /** Since when the history goes back. */
  readonly since: Date;
  /** Indexes rebuilt, created or dropped: steps that were begun, and those that were done. */
  readonly indexAttempts: number;
  readonly indexSuccesses: number;
  /** Objects left out because one run may take on only so many, or read or rewrite only so much. */
  readonly rateLimited: number;
  /** Tasks or steps put off because the target was under load. */
  readonly loadThrottled: number;
  /** Steps and tasks that did not get their lock: lock timeouts, blocked by others, targets locked elsewhere. */
  readonly lockFailures: number;
  /** Jobs and tasks skipped because their window was closed. */
  readonly windowSkips: number;
  /** Enabled schedules that act on the target, and may at any hour. */
  readonly schedulesWithoutWindow: readonly string[];
}

/** What the ledger remembers of one target besides: for care and its steps. */
export interface TargetMemory extends CheckMemory {
  /** When each check ran last, whoever asked for it. */
  lastRuns(): Promise<ReadonlyMap<CheckName, Date>>;
  safeguards(): Promise<SafeguardFigures>;
  /** What act work did to the target's objects, newest first. `limit` 1 to 1 000. */
  effects(filter: {
    readonly action?: EffectAction;
    readonly object?: string;
    readonly limit: number;
  }): Promise<readonly PastEffect[]>;
  /** The newest effects on each of these objects (`schema.name`, quoted by the server), `each` of one at most, and how they lasted. */
  lasted(objects: readonly string[], each: number): Promise<readonly LastedEffect[]>;
  /** How a gauge of the target's objects went. */
  gauges(filter: GaugeFilter): Promise<readonly GaugeHistory[]>;
  /** All that is known of a kind, by key. */
  learned(kind: LearningKind): Promise<readonly Learning[]>;
  /** The latest follow-up of each task type. */
  followUps(): Promise<readonly PastFollowUp[]>;
  /** How to take back what a job did on the target, newest first. */
  rollbackPoints(jobId: string): Promise<readonly RollbackPoint[]>;
  /** Backups that are registered of the target, the latest taken first: of each kind the latest 100. */
  backups(): Promise<readonly RegisteredBackup[]>;
  /** A watch on the target. */
  watch(id: string): Promise<Watch | undefined>;
  /** One version of a template that an admin registered, whatever has become of it. */
  customTemplate(name: string, version: number): Promise<CustomTemplate | undefined>;
  /** The layers of care settings that hold for the target; a later one wins. */
  careLayers(): Promise<readonly CareLayer[]>;
}

/** A standby registered with its primary as one target. */
export interface Standby {
  /** `host:port/database`. */
  readonly name: string;
  /** Opens a read-only session on it, ended when `use` settles. Rejects with TargetError. */
  read<T>(use: (reader: TargetReader) => Promise<T>): Promise<T>;
}

/** What an executor may look at besides the session of the target itself. */
export interface LookContext {
  readonly memory: TargetMemory;
  readonly standbys: readonly Standby[];
  /** Folders of this host whose files, and those of their folders, executors may touch: absolute, without symbolic links. Empty = none. */
  readonly fileRoots: readonly string[];
  /** Whether the worker was told (CUSTOM_TASKS=on) that it may run what an admin registered. */
  readonly customTasks: boolean;
  /** What our own ledger knows of itself. */
  readonly upkeep: UpkeepReader;
}
