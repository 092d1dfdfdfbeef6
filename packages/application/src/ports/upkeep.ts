import type { AuditBreakKind } from '@slacktide/contract';
import type { AuditHead, AuditStream } from './audit-chain.ts';
import type { ClaimedTask } from './task-executions.ts';

/**
 * Whether anybody may still need a message of the outbox: `needed`, or why not. What is not needed never will be again. `unknown_kind` = of another
 * release, nobody here can tell.
 */
export const messageNeeds = [
  'needed',
  'job_over',
  'job_unknown',
  'generation_stale',
  'schedule_unknown',
  'unknown_kind',
] as const;
export type MessageNeed = (typeof messageNeeds)[number];

/** A message of the outbox that did not get through. */
export interface StuckMessage {
  readonly id: number;
  /** Whom it is about: `job:<id>` or `schedule:<id>`. */
  readonly subject: string;
  /** As `OutboxMessage` has it, or what a later release wrote. */
  readonly kind: string;
  readonly attempts: number;
  /** What the last try came to; null = none was made, or Redis was away. */
  readonly error: string | null;
  readonly ageSeconds: number;
  /** Its next try is due already. */
  readonly isDue: boolean;
  readonly need: MessageNeed;
}

/** What became of a message: due at once, moved to the dead letters, or left as it was and why. */
export type SettledMessage =
  | { readonly kind: 'redriven'; readonly need: MessageNeed }
  | { readonly kind: 'archived'; readonly need: MessageNeed }
  /** `gone` = relayed meanwhile; `in_hand` = being relayed now; `due_already`; `unknown_kind`. */
  | { readonly kind: 'left'; readonly why: 'gone' | 'in_hand' | 'due_already' | 'unknown_kind' };

/** Where a stream's chain is as it was sealed, and where it is not any more. */
export interface AuditLook {
  readonly intact: boolean;
  readonly streams: readonly {
    readonly stream: AuditStream;
    /** Links that are as they were sealed, from the first on. */
    readonly seq: number;
    readonly hash: string;
    readonly firstBad: AuditBreak | null;
  }[];
  /** Events that were not sealed yet. */
  readonly unsealed: number;
}

export interface AuditBreak {
  readonly kind: AuditBreakKind;
  /** Null for an event that has no place in the chain. */
  readonly seq: number | null;
  readonly eventId: string | null;
}

/** A stretch of a stream's chain: the links after `afterSeq`, whose hash is `previousHash`, up to `head`. */
export interface AuditStretch {
  readonly stream: AuditStream;
  readonly afterSeq: number;
  readonly previousHash: string;
  readonly head: { readonly seq: number; readonly hash: string };
}

/** Links of a stretch as lines of NDJSON, or the first that does not follow from those before it. */
export type ChainPart =
  | { readonly kind: 'links'; readonly text: string; readonly count: number }
  | { readonly kind: 'broken'; readonly firstBad: AuditBreak };

/** A stretch that was, or is being, written to a file of `folder`. */
export interface AuditExport extends AuditStretch {
  readonly id: string;
  readonly folder: string;
  /** Name of the file. */
  readonly file: string;
  /** False while it is being written, and when that was cut short. */
  readonly isComplete: boolean;
}

/** What came of beginning an export. */
export type BegunExport =
  | { readonly kind: 'begun'; readonly id: string }
  /** A task that lives writes the same stream to the same folder. */
  | { readonly kind: 'elsewhere' }
  /** Somebody exported since the stretch was planned. */
  | { readonly kind: 'overtaken' };

/** What planning may know of our own ledger. */
export interface UpkeepReader {
  /** Messages that failed so often, or wait for so long, the oldest first; `waiting` counts all of the outbox. */
  stuckMessages(filter: {
    readonly minAttempts: number;
    readonly minAgeSeconds: number;
    readonly limit: number;
  }): Promise<{ readonly messages: readonly StuckMessage[]; readonly stuck: number; readonly waiting: number }>;
  /** The end of every stream of the audit log. */
  auditHeads(): Promise<readonly AuditHead[]>;
  /** The hash of a link; undefined when there is none. */
  auditHash(stream: AuditStream, seq: number): Promise<string | undefined>;
  /** Of each stream the latest export to `folder`, complete or not. */
  latestExports(folder: string): Promise<readonly AuditExport[]>;
}

/** What tasks about our own ledger may do with it; every change writes its audit event. Writes reject when the right to them is gone. */
export interface Upkeep extends UpkeepReader {
  /** Makes a message due now; with `archive` moves it to the dead letters instead, if nobody needs it any more. */
  settleMessage(id: number, wish: 'redrive' | 'archive'): Promise<SettledMessage>;
  /**
   * Holds the whole audit log against its seals, and against `heads` kept elsewhere; then tells so in the signal `audit_chain`. `onLinks` hears how many
   * links were read since.
   */
  verifyAudit(
    heads: readonly Pick<AuditHead, 'stream' | 'seq' | 'hash'>[],
    options: { readonly signal: AbortSignal; readonly onLinks?: (count: number) => void },
  ): Promise<AuditLook>;
  /** The links of a stretch, each proven to follow from the one before; ends after the first `broken`. In constant memory. */
  readChain(stretch: AuditStretch): AsyncGenerator<ChainPart, void>;
  /** Before the file is made. One that was begun and cut short is begun again, the same stretch under the same id. */
  beginExport(stretch: AuditStretch, to: { readonly folder: string; readonly file: string }): Promise<BegunExport>;
  /** After the file was read back. */
  completeExport(id: string, written: { readonly bytes: number; readonly sha256: string }): Promise<void>;
}

/** The ledger's side. Fenced by the claim: undefined or false = the right to write is gone, and nothing was written. */
export interface UpkeepStore extends UpkeepReader, Pick<Upkeep, 'readChain'> {
  settleMessage(
    claimed: ClaimedTask,
    ...message: Parameters<Upkeep['settleMessage']>
  ): Promise<SettledMessage | undefined>;
  verifyAudit(claimed: ClaimedTask, ...look: Parameters<Upkeep['verifyAudit']>): Promise<AuditLook | undefined>;
  beginExport(claimed: ClaimedTask, ...begun: Parameters<Upkeep['beginExport']>): Promise<BegunExport | undefined>;
  completeExport(claimed: ClaimedTask, ...written: Parameters<Upkeep['completeExport']>): Promise<boolean>;
}
