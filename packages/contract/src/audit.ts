import { z } from 'zod';
import { Instant, JsonObjectField, Text } from './fields.ts';
import { pageOf, pageQuery, timeRangeQuery } from './page.ts';

export const AuditEvent = z
  .strictObject({
    id: z.string(),
    at: Instant,
    actor: z.string(),
    action: z.string(),
    entity: z.string(),
    entity_id: z.string(),
    reason: z.string().nullable(),
    trace_id: z.string().nullable(),
    before: JsonObjectField.nullable(),
    after: JsonObjectField.nullable(),
  })
  .meta({
    id: 'AuditEvent',
    description: 'One change, written in the transaction that made it',
    example: {
      id: '42',
      at: '2026-11-22T02:00:00.000Z',
      actor: 'api_key:9f86d081884c7d65',
      action: 'job.cancel',
      entity: 'job',
      entity_id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd',
      reason: null,
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      before: { state: 'PENDING', cancel_requested_at: null },
      after: { state: 'PENDING', cancel_requested_at: '2026-11-22T02:00:00.000Z' },
    },
  });
export type AuditEvent = z.infer<typeof AuditEvent>;

export const AuditPage = pageOf(AuditEvent, 'AuditPage');
export type AuditPage = z.infer<typeof AuditPage>;

export const AuditQuery = z.strictObject({
  ...pageQuery,
  ...timeRangeQuery,
  entity: Text.min(1).max(50).optional(),
  entity_id: Text.min(1).max(200).optional(),
  action: Text.min(1).max(100).optional(),
  actor: Text.min(1).max(200).optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

/** The log is chained in streams: `configuration` (schedules, targets), `access` (API keys), `work` (jobs, tasks, findings, backups), `health` (signals). */
export const AuditStream = z.enum(['configuration', 'access', 'work', 'health']);

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'Expected 64 hexadecimal digits, in lower case');
const exampleHash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

export const AuditHead = z
  .strictObject({
    stream: AuditStream,
    seq: z.int().min(0).meta({ description: 'How many events are sealed' }),
    hash: Sha256.meta({ description: 'Of the last link; 64 zeros while there is none' }),
    sealed_at: Instant.nullable(),
  })
  .meta({
    id: 'AuditHead',
    description: 'The end of a chain',
    example: { stream: 'work', seq: 42, hash: exampleHash, sealed_at: '2026-11-22T02:00:01.000Z' },
  });

export const AuditHeads = z
  .strictObject({
    issued_at: Instant,
    heads: z.array(AuditHead).max(20),
    unsealed: z.int().min(0).meta({ description: 'Events that were not sealed yet' }),
    public_key: Text.max(200).nullable().meta({ description: 'Ed25519, SPKI in DER, base64; null = not signed' }),
    signature: Text.max(200)
      .nullable()
      .meta({ description: 'Ed25519 over this document without `signature`, in canonical JSON (RFC 8785); base64' }),
  })
  .meta({
    id: 'AuditHeads',
    description: 'The ends of all chains, to be kept where whoever can write to the ledger cannot',
    example: {
      issued_at: '2026-11-22T02:00:02.000Z',
      heads: [{ stream: 'work', seq: 42, hash: exampleHash, sealed_at: '2026-11-22T02:00:01.000Z' }],
      unsealed: 0,
      public_key: null,
      signature: null,
    },
  });
export type AuditHeads = z.infer<typeof AuditHeads>;

export const AuditExportQuery = z.strictObject({
  stream: AuditStream.optional().meta({ description: 'One stream; all, one after the other, when left out' }),
  after_seq: z.coerce.number().int().min(0).default(0),
});
export type AuditExportQuery = z.infer<typeof AuditExportQuery>;

export const AuditVerifyInput = z.strictObject({ heads: AuditHeads.optional() }).meta({
  id: 'AuditVerifyInput',
  description: '`heads`: exported earlier; only they tell of a tail that was cut off',
  example: { heads: AuditHeads.meta()?.['example'] },
});
export type AuditVerifyInput = z.infer<typeof AuditVerifyInput>;

/**
 * `edited`: an event or its seal is not what was sealed; `deleted`: a link or its event is gone; `reordered`: links or events changed
 * places; `inserted`: an event without a seal among sealed ones; `cut`: the end of the chain is gone; `forged`: seals were made anew.
 */
export const AuditBreakKind = z.enum(['edited', 'deleted', 'reordered', 'inserted', 'cut', 'forged']);
export type AuditBreakKind = z.infer<typeof AuditBreakKind>;

export const AuditVerdict = z
  .strictObject({
    intact: z.boolean(),
    streams: z.array(
      z.strictObject({
        stream: AuditStream,
        seq: z.int().min(0).meta({ description: 'Links that are as they were sealed, from the first on' }),
        hash: Sha256,
        first_bad: z
          .strictObject({
            kind: AuditBreakKind,
            seq: z.int().min(1).nullable().meta({ description: 'Null for an event without a place in the chain' }),
            event_id: z.string().nullable(),
          })
          .nullable(),
      }),
    ),
    unsealed: z.int().min(0),
    heads: z
      .strictObject({
        signature: z.enum(['valid', 'invalid', 'unsigned', 'other_key', 'unknown_key']),
        trusted: z.boolean(),
      })
      .nullable()
      .meta({ description: 'What the given heads are worth; null when none were given' }),
  })
  .meta({
    id: 'AuditVerdict',
    description: 'Whether the audit log is what was sealed',
    example: {
      intact: false,
      streams: [{ stream: 'work', seq: 41, hash: exampleHash, first_bad: { kind: 'cut', seq: 42, event_id: null } }],
      unsealed: 0,
      heads: { signature: 'valid', trusted: true },
    },
  });
export type AuditVerdict = z.infer<typeof AuditVerdict>;
