import { createHash } from 'node:crypto';
import type { JsonObject } from '@slacktide/domain';
import type { AuditEvent, AuditSeal } from '../ports/index.ts';
import { canonicalJson } from './canonical-json.ts';

/** The hash before the first link of a chain. */
export const noHash = '0'.repeat(64);

/** Where a link stands in its chain: what its hash covers besides the event. */
export type LinkPlace = Pick<AuditSeal, 'stream' | 'seq' | 'sealedAt'>;

/** A link without its hash, as the export shows it. */
export function linkContent({ stream, seq, sealedAt }: LinkPlace, event: AuditEvent): JsonObject {
  return {
    stream,
    seq,
    sealed_at: instantText(sealedAt),
    event: {
      id: event.id,
      at: instantText(event.at),
      actor: event.actor,
      action: event.action,
      entity: event.entity,
      entity_id: event.entityId,
      reason: event.reason,
      trace_id: event.traceId,
      before: event.before,
      after: event.after,
    },
  };
}

/** SHA-256, hex, of the previous link's hash (its 64 characters) followed by the link's content in canonical JSON. */
export function linkHash(previous: string, place: LinkPlace, event: AuditEvent): string {
  return createHash('sha256')
    .update(previous)
    .update(canonicalJson(linkContent(place, event)))
    .digest('hex');
}

/** Of an instant that only SQL knows (`infinity`), which nobody but a forger writes: a text all the same. */
function instantText(instant: Date): string {
  return Number.isNaN(instant.getTime()) ? 'none' : instant.toISOString();
}
