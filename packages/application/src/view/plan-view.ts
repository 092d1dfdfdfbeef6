import type { Plan as PlanView } from '@slacktide/contract';
import type { TaskSpec } from '@slacktide/domain';
import type { Plan, PlannedStep } from '../ports/index.ts';

/** A dry run as the API shows it: of each task what would be done, and what would not and why. */
export function planView(targetId: string, planned: readonly { task: TaskSpec; plan: Plan }[]): PlanView {
  return {
    target_id: targetId,
    tasks: planned.map(({ task, plan }) => ({
      key: task.key,
      type: task.type,
      needs: [...task.needs],
      steps: plan.steps.map(stepView),
      checked: plan.checked,
      skipped: plan.skipped.map(({ object, reason, detail }) => ({
        object,
        reason,
        ...(detail === undefined ? {} : { detail }),
      })),
      unknown: plan.unknown.map(({ object, reason, grant }) => ({ object, reason, grant })),
      size_bytes: total(plan.steps.map((step) => step.sizeBytes)),
      expected_seconds: total(plan.steps.map((step) => step.expectedSeconds)),
    })),
  };
}

type StepView = PlanView['tasks'][number]['steps'][number];

function stepView(step: PlannedStep): StepView {
  const { kind, schema, name } = step.object;
  return {
    key: step.key,
    object: { kind, schema, name },
    statements: [...step.statements],
    lock_mode: step.lockMode,
    size_bytes: step.sizeBytes,
    expected_seconds: step.expectedSeconds,
    reversible: step.reversible,
    ...(step.advice === undefined ? {} : { advice: step.advice }),
    blast_radius: blastRadiusView(step),
  };
}

function blastRadiusView({ blastRadius, reversible }: PlannedStep): StepView['blast_radius'] {
  if (blastRadius === undefined) return null;
  const { wouldWait, wouldWaitCount, tempDiskBytes, walBytes, expectedSeconds } = blastRadius;
  return {
    would_wait:
      wouldWait?.map(({ pid, user, applicationName, transactionAgeSeconds, locks }) => ({
        pid,
        user,
        application_name: applicationName,
        transaction_age_seconds: transactionAgeSeconds,
        locks,
      })) ?? null,
    would_wait_count: wouldWaitCount,
    temp_disk_bytes: tempDiskBytes,
    wal_bytes: walBytes,
    expected_seconds: expectedSeconds && { ...expectedSeconds },
    reversible,
  };
}

/** Null when one is unknown: a sum of the known ones would look like less than it is. */
function total(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}
