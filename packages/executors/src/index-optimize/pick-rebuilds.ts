import { advisesAgainstRebuild, type EffectAdvice } from '@slacktide/domain';
import { advisedAgainst } from '../rebuild-advice.ts';
import type { Candidate, Verdicts } from './candidate.ts';
import type { IndexOptimizeConfig } from './schema.ts';

const mebibyte = 1024 * 1024;
/** Of a B-tree, in percent. */
const defaultFillfactor = 90;

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
    else if (isAdvisedAgainst(candidate, advice)) {
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

function isAdvisedAgainst({ index, finding }: Candidate, byIndex: ReadonlyMap<string, EffectAdvice>): boolean {
  const advice = byIndex.get(index.quoted);
  const { fillfactor, waste_percent } = finding.evidence;
  if (advice === undefined) return false;
  return advisesAgainstRebuild(advice, {
    fillfactor: typeof fillfactor === 'number' ? fillfactor : defaultFillfactor,
    wastePercent: typeof waste_percent === 'number' ? waste_percent : null,
  });
}

function wasteOf({ finding }: Candidate): number {
  return Number(finding.evidence['waste_bytes'] ?? 0);
}

/** Entries that wait in a GIN index are no waste of its file. */
function isBloated(candidate: Candidate): boolean {
  return wasteOf(candidate) > 0;
}
