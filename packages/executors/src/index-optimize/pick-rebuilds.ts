import type { EffectAdvice } from '@slacktide/domain';
import { advisedAgainst, speaksAgainst } from '../rebuild-advice.ts';
import type { Candidate, Verdicts } from './candidate.ts';
import type { IndexOptimizeConfig } from './schema.ts';

const mebibyte = 1024 * 1024;

/** The largest waste first, up to the limits. `advice` = what their history advises, by quoted name. */
export function pickRebuilds(
  candidates: readonly Candidate[],
  advice: ReadonlyMap<string, EffectAdvice>,
  { max_rebuilds, max_rebuild_mb }: Pick<IndexOptimizeConfig, 'max_rebuilds' | 'max_rebuild_mb'>,
  { skipped, unknown }: Verdicts,
): Candidate[] {
  const picked: Candidate[] = [];
  let leftBytes = max_rebuild_mb * mebibyte;
  for (const candidate of candidates.filter(isBloated).toSorted((a, b) => wasteOf(b) - wasteOf(a))) {
    const { quoted, sizeBytes, guards, rebuildPermitted, rebuildGrant } = candidate.index;
    const isFull = picked.length >= max_rebuilds;
    const isTooMuch = (sizeBytes ?? 0) > leftBytes;
    if (!rebuildPermitted) unknown.push({ object: quoted, reason: 'insufficient_privilege', grant: rebuildGrant });
    else if (guards.includes('invalid')) skipped.push({ object: quoted, reason: 'invalid' });
    else if (speaksAgainst(advice.get(quoted), candidate.finding)) {
      skipped.push({ object: quoted, reason: advisedAgainst, detail: advice.get(quoted)?.words ?? '' });
    } else if (isFull) skipped.push({ object: quoted, reason: 'over_max_rebuilds' });
    else if (isTooMuch) skipped.push({ object: quoted, reason: 'over_max_rebuild_mb' });
    else {
      picked.push(candidate);
      leftBytes -= sizeBytes ?? 0;
    }
  }
  return picked;
}

function wasteOf({ finding }: Candidate): number {
  return Number(finding.evidence['waste_bytes'] ?? 0);
}

/** Entries that wait in a GIN index are no waste of its file. */
function isBloated(candidate: Candidate): boolean {
  return wasteOf(candidate) > 0;
}
