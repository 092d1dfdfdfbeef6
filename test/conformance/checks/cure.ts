import { checks } from '@slacktide/checks';
import type { CheckName, FoundFinding } from '@slacktide/domain';
import { expect, vi } from 'vitest';
import { isOwn, type Reports, runAll, runOne, type Shop } from './shop.ts';

export interface Cured {
  /** Every statement that was executed. */
  readonly acted: readonly string[];
  /** What all checks say in the end. */
  readonly after: Reports;
}

/** What cures one finding can leave work for another check, such as a first ANALYZE: a round or two. */
const mostRounds = 3;

/** Findings of the fixture that have an action. */
export function curable(shop: Shop, name: CheckName, findings: readonly FoundFinding[]): FoundFinding[] {
  return findings.filter((finding) => finding.action !== null && isOwn(shop, name, finding));
}

/** Executes all that is proposed, check by check in `order`, until nothing is; each finding must be gone after its action. */
export async function cure(shop: Shop, reports: Reports, order: 'first to last' | 'last to first'): Promise<Cured> {
  const { rig } = shop;
  const names = checks.map(({ type }) => type.name);
  const acted: string[] = [];
  let after = reports;
  for (let round = 1; round <= mostRounds; round++) {
    for (const name of order === 'first to last' ? names : names.toReversed()) {
      if (curable(shop, name, after.get(name)?.findings ?? []).length === 0) continue;
      // As before any action: the other cures may have settled it.
      const due = curable(shop, name, (await runOne(rig, name)).findings);
      const statements = due.flatMap(({ action }) => action?.sql ?? []);
      await rig.execute(statements);
      acted.push(...statements);
      const gone = new Set(due.map(({ fingerprint }) => fingerprint));
      // On 14 counters take a moment to arrive.
      await vi.waitFor(
        async () => {
          const { findings } = await runOne(rig, name);
          expect(findings.map(({ fingerprint }) => fingerprint).filter((left) => gone.has(left))).toEqual([]);
        },
        { timeout: 20_000 },
      );
    }
    after = await runAll(shop);
    if (![...after].some(([name, { findings }]) => curable(shop, name, findings).length > 0)) break;
  }
  return { acted, after };
}
