import {
  type AuditLook,
  auditStreams,
  type PlannedStep,
  type StepOutcome,
  type StepRun,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import type { AuditLogFlushConfig } from './schema.ts';

const data = z.object({
  links: z.int(),
  heads: z.array(z.object({ stream: z.enum(auditStreams), seq: z.int(), hash: z.string() })),
});

/** Reads every chain from its beginning, and holds it against what was exported. */
export async function verifyChains(step: PlannedStep, run: StepRun<AuditLogFlushConfig>): Promise<StepOutcome> {
  const { links, heads } = data.parse(step.data);
  let read = 0;
  const look = await run.upkeep.verifyAudit(heads, {
    signal: run.signal,
    onLinks: (count) => {
      read += count;
      const percent = links === 0 ? null : Math.min(100, (100 * read) / links);
      run.progress({ phase: 'verifying', percent, etaSeconds: null });
    },
  });
  return look.intact ? { kind: 'done', result: resultOf(look) } : broken(look);
}

function resultOf({ streams, unsealed }: AuditLook): JsonObject {
  return {
    events: streams.reduce((sum, { seq }) => sum + seq, 0),
    unsealed,
    heads: streams.map(({ stream, seq, hash }) => ({ stream, seq, hash })),
  };
}

function broken(look: AuditLook): StepOutcome {
  const bad = look.streams.flatMap(({ stream, firstBad }) =>
    firstBad === null ? [] : [{ stream, kind: firstBad.kind, seq: firstBad.seq, event_id: firstBad.eventId }],
  );
  const words = bad.map(({ stream, kind, seq }) => `${stream}: ${kind}${seq === null ? '' : ` at link ${seq}`}`);
  const message = `the audit log is not what was sealed; ${words.join('; ')}`;
  return { kind: 'failed', error: { code: 'audit_broken', message, detail: { first_bad: bad, ...resultOf(look) } } };
}
