import type { Plan, PlannedStep, StuckMessage } from '@slacktide/application/ports';
import type { DeadLetterDrainConfig } from './schema.ts';

export interface DrainFacts {
  /** The oldest, as many as one run takes on. */
  readonly messages: readonly StuckMessage[];
  /** How many there are of them. */
  readonly stuck: number;
}

/** One step a message. A message that is needed is never archived, and one that is due is being tried as it is. */
export function planDrain({ messages, stuck }: DrainFacts, config: DeadLetterDrainConfig): Plan {
  const known = messages.filter(({ need }) => need !== 'unknown_kind');
  const steps = known.filter((message) => !isLeft(message, config));
  const more = stuck - messages.length;
  return {
    steps: steps.map((message) => toStep(message, config)),
    checked: stuck,
    skipped: [
      ...known
        .filter((message) => isLeft(message, config))
        .map((message) => ({ object: nameOf(message), reason: 'due_already' })),
      ...(more > 0 ? [{ object: 'outbox', reason: `over_max_messages: ${more} messages` }] : []),
    ],
    // Another release wrote them, and only that one knows who needs them.
    unknown: messages
      .filter(({ need }) => need === 'unknown_kind')
      .map((message) => ({ object: nameOf(message), reason: 'unknown_kind', grant: null })),
  };
}

function isLeft(message: StuckMessage, config: DeadLetterDrainConfig): boolean {
  return !isArchived(message, config) && message.isDue;
}

function isArchived({ need }: StuckMessage, { policy }: DeadLetterDrainConfig): boolean {
  return policy === 'archive' && need !== 'needed';
}

function nameOf({ id, kind, subject }: StuckMessage): string {
  return `outbox message ${id}: ${kind} of ${subject}`;
}

function toStep(message: StuckMessage, config: DeadLetterDrainConfig): PlannedStep {
  const archived = isArchived(message, config);
  return {
    key: `outbox/${message.id}`,
    object: { kind: 'record', oid: null, schema: null, name: nameOf(message) },
    statements: [archived ? `archive ${nameOf(message)}, because ${message.need}` : `try ${nameOf(message)} again now`],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: 0,
    reversible: false,
    data: {
      message_id: message.id,
      need: message.need,
      attempts: message.attempts,
      age_seconds: Math.round(message.ageSeconds),
      error: message.error,
    },
  };
}
