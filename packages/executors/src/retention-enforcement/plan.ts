import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { RetentionFacts, RuleFacts } from './facts.ts';
import { planDeletes } from './plan-deletes.ts';
import { planPartitions } from './plan-partitions.ts';

/** Facts → one step a partition or table, rule by rule. Nothing is planned twice, whatever rules overlap. */
export function planRetention({ rules }: RetentionFacts): Plan {
  const plans = rules.map(planRule);
  const seen = new Set<string>();
  const steps: PlannedStep[] = [];
  const twice: string[] = [];
  for (const step of plans.flatMap((plan) => plan.steps)) {
    if (seen.has(step.key)) twice.push(step.key);
    else steps.push(step);
    seen.add(step.key);
  }
  return {
    steps,
    checked: plans.reduce((sum, { checked }) => sum + checked, 0),
    skipped: [
      ...plans.flatMap(({ skipped }) => skipped),
      ...twice.map((object) => ({ object, reason: 'under_two_rules' })),
    ],
    unknown: plans.flatMap(({ unknown }) => unknown),
  };
}

function planRule(rule: RuleFacts): Plan {
  return rule.work.kind === 'delete' ? planDeletes(rule, rule.work) : planPartitions(rule, rule.work);
}
