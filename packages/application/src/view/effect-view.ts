import type { Effect as EffectView } from '@slacktide/contract';
import type { EffectAdvice, Json } from '@slacktide/domain';
import type { Aftermath, PastEffect } from '../ports/index.ts';

const dayMs = 86_400_000;

/** An effect as the API shows it, with what came after. */
export function effectView(
  effect: PastEffect,
  aftermath: Aftermath | undefined,
  advice: EffectAdvice | null,
): EffectView {
  const { sizeBeforeBytes, sizeAfterBytes } = effect;
  return {
    id: effect.id,
    target_id: effect.targetId,
    job_id: effect.jobId,
    task_type: effect.taskType,
    at: effect.at.toISOString(),
    action: effect.action,
    object: effect.object,
    object_kind: effect.objectKind,
    duration_ms: effect.durationMs,
    size_before_bytes: sizeBeforeBytes,
    size_after_bytes: sizeAfterBytes,
    bytes_freed: difference(sizeBeforeBytes, sizeAfterBytes),
    waste_before_percent: effect.wasteBeforePercent,
    waste_after_percent: effect.wasteAfterPercent,
    growth_back: growthView(effect, aftermath),
    statements: statementsView(effect, aftermath),
    advice: advice && adviceView(advice),
    detail: effect.detail,
  };
}

function adviceView({ code, action, words, fillfactor, thresholdPercent }: EffectAdvice): EffectView['advice'] {
  return { code, action, words, fillfactor, threshold_percent: thresholdPercent };
}

function growthView({ at, sizeAfterBytes }: PastEffect, aftermath: Aftermath | undefined): EffectView['growth_back'] {
  if (aftermath === undefined || aftermath.seenAt === null) return null;
  const { seenAt, sizeBytes, wastePercent, wasteBackAt } = aftermath;
  return {
    seen_at: seenAt.toISOString(),
    size_bytes: sizeBytes,
    regrown_bytes: difference(sizeBytes, sizeAfterBytes),
    waste_percent: wastePercent,
    waste_back_at: wasteBackAt?.toISOString() ?? null,
    waste_back_days:
      wasteBackAt === null ? null : Math.round((10 * (wasteBackAt.getTime() - at.getTime())) / dayMs) / 10,
  };
}

/** What was noted before stands in the detail; who notes it has written it as `{queryid, calls, mean_ms}`. */
function statementsView({ detail }: PastEffect, aftermath: Aftermath | undefined): EffectView['statements'] {
  const { statements } = detail;
  if (!Array.isArray(statements)) return null;
  return (statements as readonly Json[]).flatMap((before) => {
    if (typeof before !== 'object' || before === null || !('queryid' in before)) return [];
    const { queryid, calls, mean_ms: meanMs } = before;
    if (typeof queryid !== 'string') return [];
    const after = aftermath?.statements.find(({ queryId }) => queryId === queryid);
    return [
      {
        query_id: queryid,
        calls_before: typeof calls === 'number' ? calls : null,
        mean_ms_before: typeof meanMs === 'number' ? meanMs : null,
        calls_after: after?.calls ?? null,
        mean_ms_after: after?.meanMs ?? null,
      },
    ];
  });
}

function difference(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one - other;
}
