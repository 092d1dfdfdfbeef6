import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { type BackupFacts, readBackupFacts } from './facts.ts';
import { planVerification } from './plan.ts';
import { judgeRule, rulesOf } from './rules.ts';
import { type BackupVerificationConfig, taskType } from './schema.ts';
import { verifyFile } from './verify-file.ts';
import { verifyWal } from './verify-wal.ts';

/** Presence, age and size of registered backups; that one can be restored is proved by restoring it, and by nothing here. */
export const backupVerification: Executor<BackupVerificationConfig, BackupFacts> = {
  taskType,
  readFacts: (reader, _config, context) => readBackupFacts(reader, context),
  plan: planVerification,
  runStep(step, run) {
    switch (step.data['work']) {
      case 'rule':
        return verifyRule(step, run);
      case 'wal':
        return verifyWal(run);
      default:
        return verifyFile(step, run);
    }
  },
};

async function verifyRule(step: PlannedStep, run: StepRun<BackupVerificationConfig>): Promise<StepOutcome> {
  const rule = rulesOf(run.config).find(({ key }) => key === step.key);
  if (rule === undefined) throw new Error(`expected a rule ${step.key}`);
  const now = await run.memory.now();
  const judged = judgeRule(rule, await run.memory.backups(), now, run.config);
  if (judged.kind === 'bad') return { kind: 'failed', error: judged.error };
  const { latest, count } = judged;
  return {
    kind: 'done',
    result: {
      registered: count,
      latest: {
        id: latest.id,
        label: latest.label,
        kind: latest.kind,
        taken_at: latest.takenAt.toISOString(),
        size_bytes: latest.sizeBytes,
      },
      age_hours: Math.round(Math.max(0, now.getTime() - latest.takenAt.getTime()) / 360_000) / 10,
    },
  };
}
