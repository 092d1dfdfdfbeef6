import {
  findStatementSource,
  readCounters,
  readResetMs,
  readRestorable,
  readWatchBaseline,
  type WatchBaseline,
} from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun, TargetReader, Watch } from '@slacktide/application/ports';
import { type JsonObject, nextWatchState } from '@slacktide/domain';
import { type Comparison, compareCounters } from './compare.ts';
import { readEvidence } from './evidence.ts';
import type { IndexWatchConfig } from './schema.ts';

/** Looks at the statements and at what became of the index, judges, and keeps it. */
export async function lookAtStatements(_step: PlannedStep, run: StepRun<IndexWatchConfig>): Promise<StepOutcome> {
  const watch = await run.memory.watch(run.config.watch_id);
  const baseline = watch === undefined ? undefined : readWatchBaseline(watch.baseline);
  if (watch === undefined || baseline === undefined) return { kind: 'skipped', reason: 'watch_gone' };
  if (watch.state !== 'prepared' && watch.state !== 'open') return { kind: 'skipped', reason: `watch_${watch.state}` };
  const kept = readEvidence(watch.evidence);
  const object = await becameOf(run.observer, watch, baseline);
  const seen = await compare(run.observer, watch, baseline);
  const comparison = seen.kind === 'compared' ? seen.comparison : undefined;
  const verdict = comparison?.verdict.verdict ?? 'unknown';
  const now = await run.memory.now();
  const state = nextWatchState({
    state: watch.state,
    object,
    verdict: comparison?.verdict,
    wasWorse: kept?.verdict === 'worse',
    wasKnown: (kept?.known_looks ?? 0) > 0,
    isOver: now >= watch.until,
  });
  const told: JsonObject = {
    looks: (kept?.looks ?? 0) + 1,
    looked_at: now.toISOString(),
    verdict,
    known_looks: (kept?.known_looks ?? 0) + (verdict === 'unknown' ? 0 : 1),
    object,
    ...(seen.kind === 'compared'
      ? toldOf(seen.comparison, baseline)
      : { unreadable: seen.reason, grant: seen.grant, reset_ms: kept?.reset_ms ?? baseline.reset_ms }),
  };
  const tracks = comparison?.tracks ?? kept?.tracks ?? {};
  await run.looked(watch.id, { state, evidence: { ...told, reset_ms: told['reset_ms'] ?? null, tracks } });
  return { kind: 'done', result: { watch_id: watch.id, state, ...told } };
}

/** By its OID it is the very one; after a drop that was cut short, one made valid again has another. */
async function becameOf(reader: TargetReader, { object, state }: Watch, { index_oid }: WatchBaseline) {
  const there = await readRestorable(reader, object);
  if (there === undefined) return 'gone';
  return there.oid === index_oid || state === 'prepared' ? 'still_there' : 'there_again';
}

type Seen =
  | { readonly kind: 'compared'; readonly comparison: Comparison & { readonly resetMs: number | null } }
  | { readonly kind: 'unreadable'; readonly reason: string; readonly grant: string | null };

async function compare(reader: TargetReader, { evidence, rule }: Watch, baseline: WatchBaseline): Promise<Seen> {
  const source = await findStatementSource(reader);
  if (source.kind === 'unusable') return { kind: 'unreadable', reason: source.reason, grant: source.grant };
  const queryids = [...baseline.statements, ...baseline.others].map(({ queryid }) => queryid);
  const resetMs = await readResetMs(reader, source);
  const counted = await readCounters(reader, source, queryids);
  const comparison = compareCounters(baseline, readEvidence(evidence), { resetMs, counted }, rule);
  return { kind: 'compared', comparison: { ...comparison, resetMs } };
}

function toldOf(
  { verdict, resetMs }: Comparison & { readonly resetMs: number | null },
  baseline: WatchBaseline,
): JsonObject {
  const texts = new Map(baseline.statements.map(({ queryid, statement }) => [queryid, statement]));
  return {
    reset_ms: resetMs,
    load_factor: rounded(verdict.loadFactor),
    statements: verdict.statements.map(
      ({ queryid, verdict: judged, calls, beforeMeanMs, meanMs, limitMs }): JsonObject => ({
        queryid,
        statement: texts.get(queryid) ?? null,
        verdict: judged,
        calls,
        mean_ms_before: rounded(beforeMeanMs),
        mean_ms: rounded(meanMs),
        limit_ms: rounded(limitMs),
      }),
    ),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
