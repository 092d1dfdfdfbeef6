import type { StatementPlan } from '@slacktide/acting';
import type { Learning } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type QueryShape, queryFeatures, type RiskModel, riskOf } from '@slacktide/learning';

/** All that a statement is judged by. */
export interface AssessmentFacts {
  readonly shape: QueryShape;
  readonly plan: StatementPlan | null;
  /** Why there is no plan; null where there is one. */
  readonly unplanned: string | null;
  readonly model: RiskModel | null;
  /** Patterns learned of statements on the same tables. */
  readonly similar: readonly Learning[];
}

/** Reading so many rows of one table, or costing so much, takes seconds on most machines. */
const manyRows = 1_000_000;
const someRows = 100_000;
const highCost = 1_000_000;
const likely = 0.5;
const mostSimilar = 5;

type Risk = 'low' | 'medium' | 'high' | 'unknown';
const ranks: readonly Risk[] = ['low', 'medium', 'high'];

/** Pure. Each reason raises the risk to its level; a statement about which nothing is known has none. */
export function assess(facts: AssessmentFacts): JsonObject {
  const reasons = reasonsOf(facts);
  const known = facts.plan !== null || reasons.length > 0;
  const risk = known ? (ranks[Math.max(0, ...reasons.map(({ level }) => ranks.indexOf(level)))] ?? 'low') : 'unknown';
  const { plan, model } = facts;
  return {
    risk,
    reasons: [
      ...reasons.map(({ text }) => text),
      ...(facts.unplanned === null ? [] : [`it was not planned: ${facts.unplanned}`]),
    ],
    plan:
      plan === null
        ? null
        : {
            total_cost: plan.totalCost,
            rows: plan.rows,
            largest_scan_rows: plan.largestScanRows,
            nested_loops: plan.nestedLoops,
            sorts: plan.sorts,
            nodes: [...plan.nodes],
          },
    model:
      model === null
        ? null
        : {
            used: model.used,
            probability: probabilityOf(facts),
            accuracy: model.score.accuracy,
            precision: model.score.precision,
            recall: model.score.recall,
            rule: model.rule.name,
          },
    similar: facts.similar.slice(0, mostSimilar).map(({ key, value }) => ({
      key,
      kind: String(value['kind']),
      mean_ms: Number(value['mean_ms']),
      query: typeof value['query'] === 'string' ? value['query'] : null,
    })),
  };
}

interface Reason {
  readonly level: Risk;
  readonly text: string;
}

function reasonsOf(facts: AssessmentFacts): readonly Reason[] {
  const { shape, plan, similar } = facts;
  const reasons: Reason[] = [];
  const say = (level: Risk, text: string): void => void reasons.push({ level, text });
  if ((shape.kind === 'update' || shape.kind === 'delete') && !shape.hasWhere)
    say('high', `${shape.kind === 'update' ? 'an update' : 'a delete'} of every row`);
  if (plan !== null && plan.largestScanRows >= someRows) {
    const level = plan.largestScanRows >= manyRows ? 'high' : 'medium';
    say(level, `it reads a table whole that gives ${Math.round(plan.largestScanRows)} rows`);
  }
  if (plan !== null && plan.totalCost >= highCost) say('medium', `it costs ${Math.round(plan.totalCost)} by the plan`);
  if (shape.counts.patternMatches > 0 && (plan?.largestScanRows ?? 0) >= someRows) {
    say('medium', 'a pattern match that no index serves');
  }
  const slow = similar.filter(({ value }) => value['kind'] === 'slow').length;
  if (slow > 0) say('medium', `${slow} statements on the same tables were slow lately`);
  const probability = probabilityOf(facts);
  if (probability !== null && probability > likely) {
    say('high', `slow by the model, with probability ${probability.toFixed(2)}`);
  }
  return reasons;
}

/** Null where there is no model, or it is no better than the trivial rule. */
function probabilityOf({ shape, plan, model }: AssessmentFacts): number | null {
  if (model === null || !model.used) return null;
  return riskOf(model, queryFeatures(shape, plan)) ?? null;
}
