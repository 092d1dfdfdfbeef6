import type { Executor } from '@slacktide/application/ports';
import { exportStream } from './export-stream.ts';
import { type AuditFacts, readAuditFacts } from './facts.ts';
import { planFlush } from './plan.ts';
import { type AuditLogFlushConfig, taskType } from './schema.ts';
import { verifyChains } from './verify-chains.ts';

/** Verifies our own audit log and exports it, a stretch after the other. */
export const auditLogFlush: Executor<AuditLogFlushConfig, AuditFacts> = {
  taskType,
  readFacts: (_reader, config, context) => readAuditFacts(config, context),
  plan: planFlush,
  runStep: (step, run) => (step.data['action'] === 'verify' ? verifyChains(step, run) : exportStream(step, run)),
  summarise: (results) => {
    const exported = results.flatMap(({ step, outcome }) =>
      step.data['action'] === 'export' && outcome.kind === 'done' ? [outcome.result] : [],
    );
    const verified = results.find(({ step }) => step.data['action'] === 'verify')?.outcome;
    return {
      ...(verified?.kind === 'done'
        ? { events: verified.result['events'] ?? 0, heads: verified.result['heads'] ?? [] }
        : {}),
      first_bad: verified?.kind === 'failed' ? (verified.error.detail ?? null) : null,
      exported_events: exported.reduce((sum, result) => sum + Number(result['events'] ?? 0), 0),
      exported_files: exported.flatMap(({ file }) => (typeof file === 'string' ? [file] : [])),
    };
  },
};
