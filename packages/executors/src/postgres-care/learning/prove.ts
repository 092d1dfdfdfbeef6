import { type PlannedStatement, planStatements } from '@slacktide/acting';
import { TargetError, type TargetReader } from '@slacktide/application/ports';
import { type Hypopg, withHypotheticalIndex } from './hypothetical.ts';

/** What is known of the use of an index that is not there. */
export type Proof =
  | { readonly kind: 'unproven'; readonly reason: string; readonly grant: string | null }
  | { readonly kind: 'of_no_use' }
  | {
      readonly kind: 'proven';
      readonly by: 'hypopg';
      /** Of the statements that gain, by the planner, without the index and with it. */
      readonly cost_before: number;
      readonly cost_after: number;
      /** How many of the statements gain. */
      readonly statements: number;
    };

/** A plan that costs hardly less gains nothing. */
const leastGain = 0.1;
/** After these there is no session to go on with. */
const overWith: readonly TargetError['code'][] = ['session_lost', 'cancelled'];

/** Has the planner choose between what there is and the index of `definition` (a CREATE INDEX), for statements of these texts. No index is made. */
export async function prove(
  reader: TargetReader,
  hypopg: Hypopg,
  definition: string,
  texts: readonly string[],
): Promise<Proof> {
  if (hypopg.kind === 'unusable') return unproven(hypopg.reason, hypopg.grant);
  const before = await planStatements(reader, texts);
  try {
    const after = await withHypotheticalIndex(reader, hypopg.schema, definition, () => planStatements(reader, texts));
    return compareCosts(before, after);
  } catch (error) {
    if (!(error instanceof TargetError) || overWith.includes(error.code)) throw error;
    // Its library may be gone from the server, or of another version than the extension.
    return unproven(`hypopg failed: ${error.sqlState ?? error.code}`);
  }
}

/** Of plans of the same statements, without the index and with it: one statement that gains makes it worth having. */
export function compareCosts(before: readonly PlannedStatement[], after: readonly PlannedStatement[]): Proof {
  const costs: { readonly before: number; readonly after: number }[] = [];
  const reasons = new Set<string>();
  for (const [position, without] of before.entries()) {
    const within = after[position];
    if (without.kind === 'left_out') reasons.add(without.reason);
    else if (within?.kind === 'planned') {
      costs.push({ before: without.plan.totalCost, after: within.plan.totalCost });
    } else reasons.add(within?.reason ?? 'not planned again');
  }
  const gaining = costs.filter((cost) => cost.after <= cost.before * (1 - leastGain));
  if (gaining.length > 0) {
    return {
      kind: 'proven',
      by: 'hypopg',
      cost_before: Math.round(sum(gaining.map((cost) => cost.before))),
      cost_after: Math.round(sum(gaining.map((cost) => cost.after))),
      statements: gaining.length,
    };
  }
  if (reasons.size === 0) return { kind: 'of_no_use' };
  const which =
    costs.length === 0
      ? 'the statements cannot be planned'
      : 'those statements gain nothing that can be planned; others cannot';
  return unproven(`${which}: ${[...reasons].sort().join(', ')}`);
}

function unproven(reason: string, grant: string | null = null): Proof {
  return { kind: 'unproven', reason, grant };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
