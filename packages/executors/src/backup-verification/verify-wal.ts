import type { StepOutcome, StepRun } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import type { JsonObject } from '@slacktide/domain';
import { lookWith } from '../run-check.ts';
import { bases } from './rules.ts';
import type { BackupVerificationConfig } from './schema.ts';

/** Base backups and archived WAL are worth something only together. What the archiver is like is left to the check `wal_archiving`, which keeps its findings. */
export async function verifyWal(run: StepRun<BackupVerificationConfig>): Promise<StepOutcome> {
  const check = checks.find(({ type }) => type.name === 'wal_archiving');
  if (check === undefined) throw new Error('expected a check wal_archiving');
  const report = await lookWith(check, run, check.type.config.parse({}));
  const base = (await run.memory.backups()).find(({ kind }) => bases.includes(kind));
  const result = { ...report.figures, base_backup: base?.label ?? null };
  const [finding] = report.findings;
  if (finding !== undefined) {
    const without =
      base === undefined ? '' : `; backup ${base.label} restores to the moment it was taken and no further`;
    return failed('wal_archiving_unhealthy', `${finding.summary}${without}`, result);
  }
  const [skipped] = report.skipped;
  if (skipped !== undefined) {
    if (!run.config.require_wal) return { kind: 'skipped', reason: skipped.reason, result };
    return failed('wal_not_archived', `WAL is to be archived, but is not: ${skipped.reason}`, result);
  }
  const [unknown] = report.unknown;
  if (unknown !== undefined) {
    return { kind: 'skipped', reason: unknown.reason, result: { ...result, grant: unknown.grant } };
  }
  if (base !== undefined) return { kind: 'done', result };
  return failed(
    'backup_missing',
    'WAL is archived, but no base backup is registered that it could be replayed onto',
    result,
  );
}

function failed(code: string, message: string, detail: JsonObject): StepOutcome {
  return { kind: 'failed', error: { code, message, detail } };
}
