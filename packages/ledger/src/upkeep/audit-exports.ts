import type { AuditExport, BegunExport, ClaimedTask, Upkeep, UpkeepReader } from '@slacktide/application/ports';
import { writeAudit } from '../audit/write-audit.ts';
import type { auditExports } from '../schema/audit-exports.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { holdTask } from '../task-executions/held-task.ts';

type Row = typeof auditExports.$inferSelect;
type Begin = Parameters<Upkeep['beginExport']>;

/** Of each stream the latest export to the folder, complete or not. */
export async function latestExports(sql: LedgerSql, folder: string): ReturnType<UpkeepReader['latestExports']> {
  const rows = await sql<Row[]>`
    SELECT DISTINCT ON (stream) * FROM audit_exports WHERE folder = ${folder} ORDER BY stream, until_seq DESC`;
  return rows.map(toExport);
}

/**
 * Writes what is about to be exported, so that the same is exported again when this is cut short; undefined = the claim does not hold any more. Of two
 * at once the second waits for the first here, and then finds it.
 */
export async function beginExport(
  pool: LedgerPool,
  claimed: ClaimedTask,
  ...[stretch, to]: Begin
): Promise<BegunExport | undefined> {
  return await pool.begin(async (tx) => {
    if ((await holdTask(tx, claimed)) === undefined) return undefined;
    await tx`SELECT pg_advisory_xact_lock(hashtext('slacktide.audit_export'), hashtext(${`${stretch.stream} ${to.folder}`}))`;
    const latest = (await latestExports(tx, to.folder)).find(({ stream }) => stream === stretch.stream);
    if (latest !== undefined && !latest.isComplete) return await beginAgain(tx, claimed, latest, stretch, to);
    if ((latest?.head.seq ?? 0) !== stretch.afterSeq) return { kind: 'overtaken' };
    const [{ id }] = await tx<[{ id: string }]>`
      INSERT INTO audit_exports (stream, folder, file, after_seq, previous_hash, until_seq, hash, task_id)
      VALUES (${stretch.stream}, ${to.folder}, ${to.file}, ${stretch.afterSeq}, ${stretch.previousHash}, ${stretch.head.seq},
        ${stretch.head.hash}, ${claimed.task.id})
      RETURNING id`;
    return { kind: 'begun', id };
  });
}

async function beginAgain(
  tx: LedgerSql,
  { task }: ClaimedTask,
  open: AuditExport,
  ...[stretch, to]: Begin
): Promise<BegunExport> {
  if (open.head.seq !== stretch.head.seq || open.afterSeq !== stretch.afterSeq || open.file !== to.file) {
    return { kind: 'overtaken' };
  }
  const { count } = await tx`
    UPDATE audit_exports SET task_id = ${task.id}, begun_at = clock_timestamp()
    WHERE id = ${open.id} AND (task_id = ${task.id} OR NOT EXISTS (
      SELECT FROM leases WHERE leases.task_id = audit_exports.task_id AND leases.expires_at > clock_timestamp()))`;
  return count === 0 ? { kind: 'elsewhere' } : { kind: 'begun', id: open.id };
}

/** Writes that the file is there, and tells the audit log, whose chain covers the hash from then on; false = the right to is gone. */
export async function completeExport(
  pool: LedgerPool,
  claimed: ClaimedTask,
  ...[id, { bytes, sha256 }]: Parameters<Upkeep['completeExport']>
): Promise<boolean> {
  return await pool.begin(async (tx) => {
    if ((await holdTask(tx, claimed)) === undefined) return false;
    const [row] = await tx<Row[]>`
      UPDATE audit_exports SET completed_at = clock_timestamp(), bytes = ${bytes}, sha256 = ${sha256}
      WHERE id = ${id} AND task_id = ${claimed.task.id} AND completed_at IS NULL RETURNING *`;
    if (row === undefined) return false;
    const { stream, folder, file, afterSeq, untilSeq, hash } = row;
    await writeAudit(tx, { actor: `worker:${claimed.workerId}`, traceId: claimed.job.traceId }, [
      {
        action: 'audit.export',
        entity: 'task',
        entityId: claimed.task.id,
        after: { stream, folder, file, after_seq: afterSeq, until_seq: untilSeq, hash, bytes, sha256 },
      },
    ]);
    return true;
  });
}

function toExport({ id, stream, folder, file, afterSeq, previousHash, untilSeq, hash, completedAt }: Row): AuditExport {
  return {
    id,
    stream,
    folder,
    file,
    afterSeq,
    previousHash,
    head: { seq: untilSeq, hash },
    isComplete: completedAt !== null,
  };
}
