import { AuditStream as AuditStreamName } from '@slacktide/contract';
import type { AuditEvent } from './audit-log.ts';

/** The audit log is sealed as hash chains, one a stream; each event belongs to the stream of its entity. */
export const auditStreams = AuditStreamName.options;
export type AuditStream = (typeof auditStreams)[number];

/** The end of a stream's chain. */
export interface AuditHead {
  readonly stream: AuditStream;
  /** How many events are sealed. */
  readonly seq: number;
  /** SHA-256, hex; 64 zeros while nothing is sealed. */
  readonly hash: string;
  /** Null while nothing is sealed. */
  readonly sealedAt: Date | null;
}

/** A link of a stream's chain: covers one event and, by its hash, the link before. */
export interface AuditSeal {
  readonly stream: AuditStream;
  /** 1, 2, 3 … without a gap. */
  readonly seq: number;
  readonly eventId: string;
  readonly hash: string;
  readonly sealedAt: Date;
}

/** A seal and the event it names; undefined when that is gone, as it never should be. */
export interface SealedEvent {
  readonly seal: AuditSeal;
  readonly event: AuditEvent | undefined;
}

/** Committed events that no seal covers yet, lowest id first, with the ends that they are to be chained to. */
export interface UnsealedBatch {
  readonly heads: readonly AuditHead[];
  readonly events: readonly AuditEvent[];
  /** The ledger's clock. */
  readonly now: Date;
}

/** An event that should have a seal and has none. */
export interface LeftOutEvent {
  readonly id: string;
  readonly entity: string;
}

export interface AuditChain {
  /**
   * Lets `seal` chain at most `limit` events and writes the seals it makes, in one transaction; returns how many, or undefined
   * when another process is at it. An event whose transaction commits after those of later ids is sealed after them.
   */
  extend(limit: number, seal: (batch: UnsealedBatch) => readonly AuditSeal[]): Promise<number | undefined>;
  /** The end of every stream. */
  readHeads(): Promise<readonly AuditHead[]>;
  /** Events that wait to be sealed, and since how long the oldest does, in seconds; 0 when none does. */
  backlog(): Promise<{ readonly unsealed: number; readonly oldestSeconds: number }>;
  /** At most `limit` links of a stream's chain after `afterSeq`, in order. */
  listSealed(stream: AuditStream, afterSeq: number, limit: number): Promise<readonly SealedEvent[]>;
  /** Events that came, or lost their seal, behind the sealer's back: at most `limit`, after `afterId`, by id. */
  listLeftOut(afterId: string, limit: number): Promise<readonly LeftOutEvent[]>;
}
