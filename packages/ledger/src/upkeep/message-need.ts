import type { MessageNeed, OutboxMessage } from '@slacktide/application/ports';

/** What the ledger knows of whom a message is about; undefined = nothing, any more. */
export interface MessageSubject {
  readonly job: { readonly isOver: boolean; readonly generation: number } | undefined;
  readonly schedule: boolean;
}

const kinds: readonly string[] = [
  'flow.add',
  'job.finalise',
  'flow.remove',
  'schedule.sync',
] satisfies readonly OutboxMessage['kind'][];

/**
 * Whether anybody may still need a message. Safe to act on later, too: a job that is over stays over, its generation only rises, and what is gone
 * does not come back. What Redis then still holds of it the reconciler removes, and a timer that is missing it sets.
 */
export function messageNeed(message: unknown, { job, schedule }: MessageSubject): MessageNeed {
  if (!isMessage(message)) return 'unknown_kind';
  if (message.kind === 'schedule.sync') return schedule ? 'needed' : 'schedule_unknown';
  if (job === undefined) return 'job_unknown';
  if (job.isOver) return 'job_over';
  return message.generation < job.generation ? 'generation_stale' : 'needed';
}

/** The kind that a message says it is. */
export function kindOf(message: unknown): string {
  const kind = typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined;
  return typeof kind === 'string' ? kind : 'unknown';
}

/** Of a kind, and with the members, that this release knows. */
export function isMessage(message: unknown): message is OutboxMessage {
  if (!kinds.includes(kindOf(message))) return false;
  const { kind, jobId, generation, scheduleId } = message as Readonly<Record<string, unknown>>;
  if (kind === 'schedule.sync') return typeof scheduleId === 'string';
  return typeof jobId === 'string' && Number.isSafeInteger(generation);
}
