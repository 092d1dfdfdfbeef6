import type { Json, JsonObject } from '@slacktide/domain';
import type { RollbackPointReader } from './act-records.ts';
import type { AuditReader } from './audit-log.ts';
import type { BackupReader, BackupWriter } from './backup-store.ts';
import type { CareReader, CareWriter } from './care-store.ts';
import type { EffectReader } from './effect-history.ts';
import type { FindingReader, FindingWriter } from './finding-store.ts';
import type { FollowUpReader, FollowUpWriter } from './follow-ups.ts';
import type { SignalWriter } from './health-store.ts';
import type { JobReader, JobWriter } from './job-store.ts';
import type { LearningReader } from './learnings.ts';
import type { OutboxWriter } from './outbox.ts';
import type { ScheduleReader, ScheduleWriter } from './schedule-store.ts';
import type { TargetReaderStore, TargetWriter } from './target-store.ts';
import type { TemplateReader, TemplateWriter } from './template-store.ts';
import type { TickStore } from './tick-store.ts';
import type { WatchWriter } from './watches.ts';

/** Who asks. `id` is stable; `name` is for people. */
export interface Actor {
  readonly kind: 'api_key' | 'system';
  readonly id: string;
  readonly name: string;
}

/** Makes one request happen once: the same key, principal and route answer with the first result for 24 hours. */
export interface IdempotencyClaim {
  readonly key: string;
  readonly principal: string;
  readonly route: string;
  /** SHA-256 of the request; another request under the same key is refused with `idempotency_key_reused`. */
  readonly requestHash: string;
}

/** What every use case knows of its caller. */
export interface RequestContext {
  readonly actor: Actor;
  readonly traceId: string;
  /** W3C trace context, handed on to jobs so that one trace spans request, queue and target. */
  readonly traceparent: string;
  readonly idempotency?: IdempotencyClaim;
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly action: string;
  readonly entity:
    | 'schedule'
    | 'target'
    | 'care_settings'
    | 'custom_template'
    | 'backup'
    | 'job'
    | 'task'
    | 'finding'
    | 'api_key'
    | 'signal';
  readonly entityId: string;
  readonly before?: JsonObject | null;
  readonly after?: JsonObject | null;
  readonly reason?: string;
  /** Default: the trace of the request. */
  readonly traceId?: string;
}

/** What a transaction gives back: its result (JSON, so that an idempotent repeat can return it) and at least one audit entry, by type. */
export interface Committed<T extends Json> {
  readonly result: T;
  readonly audit: readonly [AuditEntry, ...AuditEntry[]];
}

export interface LedgerReader {
  readonly schedules: ScheduleReader;
  readonly targets: TargetReaderStore;
  readonly jobs: JobReader;
  readonly findings: FindingReader;
  readonly care: CareReader;
  readonly backups: BackupReader;
  readonly effects: EffectReader;
  readonly followUps: FollowUpReader;
  readonly templates: TemplateReader;
  readonly learnings: LearningReader;
  readonly rollbackPoints: RollbackPointReader;
  readonly audit: AuditReader;
  /** The ledger's clock, the only one that decides windows and due times. Within a transaction: its start. */
  now(): Promise<Date>;
}

export interface LedgerTransaction extends LedgerReader {
  readonly schedules: ScheduleReader & ScheduleWriter;
  readonly targets: TargetReaderStore & TargetWriter;
  readonly jobs: JobReader & JobWriter;
  readonly findings: FindingReader & FindingWriter;
  readonly care: CareReader & CareWriter;
  readonly backups: BackupReader & BackupWriter;
  readonly followUps: FollowUpReader & FollowUpWriter;
  readonly templates: TemplateReader & TemplateWriter;
  readonly watches: WatchWriter;
  readonly ticks: TickStore;
  readonly outbox: OutboxWriter;
  readonly signals: SignalWriter;
}

/** The only truth (law 1). */
export interface Ledger extends LedgerReader {
  /**
   * Runs `work` in one transaction and writes its audit entries in it (law 2). With `ctx.idempotency`, a repeat returns
   * the stored result without running `work`; two at once: the second waits for the first, then repeats it.
   * @throws AppError `idempotency_key_reused` | `request_in_flight` | `ledger_unavailable`
   */
  transaction<T extends Json>(ctx: RequestContext, work: (tx: LedgerTransaction) => Promise<Committed<T>>): Promise<T>;
}
