import type { ObservedUsage } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';

/** Whether an index was used on no node, as far as that is known. */
export type UsageVerdict =
  | { readonly kind: 'unused'; readonly nodes: JsonObject }
  | {
      readonly kind: 'kept';
      readonly reason: 'used' | 'observation_too_short' | 'node_unseen';
      readonly nodes: JsonObject;
    };

const dayMs = 86_400_000;
/** What is sampled once a day, and a little late, is still being watched. */
const longestSilenceMs = 26 * 3_600_000;

/**
 * Judges by our own samples over `days`, on each of `nodes` (the primary and every standby): one that saw a scan proves use; that there was none, only
 * all of them together, each watched without a gap for the whole time.
 */
export function judgeUsage(
  usage: ObservedUsage | undefined,
  { nodes, days, now }: { readonly nodes: readonly string[]; readonly days: number; readonly now: Date },
): UsageVerdict {
  const seen = new Map((usage?.nodes ?? []).map((each) => [each.node, each]));
  const daysOf = (node: string): number => {
    const sampled = seen.get(node);
    return sampled === undefined ? 0 : (sampled.lastSampledAt.getTime() - sampled.observedSince.getTime()) / dayMs;
  };
  const told: JsonObject = Object.fromEntries(
    nodes.map((node) => [node, { scans: seen.get(node)?.scans ?? null, days: Math.floor(daysOf(node) * 10) / 10 }]),
  );
  // A node that is no standby of the target any more may still have used it.
  if ([...seen.values()].some(({ scans }) => scans > 0)) return { kind: 'kept', reason: 'used', nodes: told };
  const isSilent = (node: string): boolean => {
    const sampled = seen.get(node);
    return sampled === undefined || now.getTime() - sampled.lastSampledAt.getTime() > longestSilenceMs;
  };
  if (nodes.some(isSilent)) return { kind: 'kept', reason: 'node_unseen', nodes: told };
  if (nodes.some((node) => daysOf(node) < days)) return { kind: 'kept', reason: 'observation_too_short', nodes: told };
  return { kind: 'unused', nodes: told };
}
