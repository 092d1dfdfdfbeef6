import { type CheckReport, checksWithSeries } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';
import type { RecordedRun } from './recorded-run.ts';

/** Snapshots that are kept of a check on a target, where it compares with more than the latest: enough to compare two weeks of daily or hourly runs. */
const mostSnapshots = 200;
const snapshotDays = 14;

/** Keeps the run as the latest of its check, and what it leaves for later ones. */
export async function keepRun(tx: LedgerSql, run: RecordedRun, report: CheckReport): Promise<void> {
  const { targetId, check, taskId, at, config } = run;
  const { checked, skipped, unknown, findings, figures, snapshot } = report;
  await tx`
    INSERT INTO check_runs (target_id, check_name, task_id, at, checked, skipped, unknown, found, figures, config)
    VALUES (${targetId}, ${check}, ${taskId}, ${at}, ${checked}, ${jsonb(tx, skipped)}, ${jsonb(tx, unknown)}, ${findings.length},
      ${jsonb(tx, figures)}, ${jsonb(tx, config)})
    ON CONFLICT (target_id, check_name) DO UPDATE SET task_id = excluded.task_id, at = excluded.at, checked = excluded.checked,
      skipped = excluded.skipped, unknown = excluded.unknown, found = excluded.found, figures = excluded.figures, config = excluded.config`;
  if (snapshot === undefined) return;
  const most = checksWithSeries.includes(check) ? mostSnapshots : 1;
  await tx`
    INSERT INTO check_snapshots (target_id, check_name, at, values) VALUES (${targetId}, ${check}, ${at}, ${jsonb(tx, snapshot)})`;
  await tx`
    DELETE FROM check_snapshots USING (
      SELECT id, at, row_number() OVER (ORDER BY at DESC, id DESC) AS position
      FROM check_snapshots WHERE target_id = ${targetId} AND check_name = ${check}
    ) AS kept
    WHERE check_snapshots.id = kept.id
      AND (position > ${most} OR (position > 1 AND kept.at < ${at}::timestamptz - ${snapshotDays} * interval '1 day'))`;
}
