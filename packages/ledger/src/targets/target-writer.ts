import { AppError, checkModule, targetModule } from '@slacktide/application';
import type { TargetWriter } from '@slacktide/application/ports';
import { checkNames, type Target } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';
import { takenError } from '../taken.ts';
import { type TargetRow, toTarget } from './target-row.ts';

/** Writes targets in a transaction. */
export function createTargetWriter(sql: LedgerSql): TargetWriter {
  return {
    async getForUpdate(id) {
      const [row] = await sql<TargetRow[]>`SELECT * FROM targets WHERE id = ${id} FOR UPDATE`;
      return row && toTarget(row);
    },

    async insert(target) {
      try {
        await sql`INSERT INTO targets ${sql({ ...columns(sql, target), createdAt: target.createdAt })}`;
      } catch (error) {
        throw takenError(error, { table: 'targets', id: target.id });
      }
    },

    async update(target) {
      const { count } = await sql`
        UPDATE targets SET ${sql(columns(sql, target))} WHERE id = ${target.id} AND version = ${target.version - 1}`;
      return count === 1;
    },

    async delete(id) {
      // Schedules and jobs lock the target they name FOR KEY SHARE: from here on nobody can begin to name it.
      await sql`SELECT FROM targets WHERE id = ${id} FOR UPDATE`;
      const [user] = await sql<{ what: string }[]>`
        SELECT 'schedule ' || id AS what FROM schedules WHERE targets @> ${jsonb(sql, { kind: 'ids', ids: [id] })}
        UNION ALL
        SELECT 'job ' || id FROM jobs WHERE target_id = ${id} AND finished_at IS NULL
        LIMIT 1`;
      if (user !== undefined) throw new AppError('conflict', `target ${id} is in use by ${user.what}`);
      await forget(sql, id);
      await sql`DELETE FROM targets WHERE id = ${id}`;
    },
  };
}

/** All that was said and kept of the target but its history. Samples are too many to go at once: they go with their ownerless objects, by and by. */
async function forget(sql: LedgerSql, id: string): Promise<void> {
  const modules = [targetModule(id), ...checkNames.map((check) => checkModule(check, id))];
  await sql`DELETE FROM health_signals WHERE module = ANY(${modules})`;
  await sql`DELETE FROM findings WHERE target_id = ${id}`;
  await sql`DELETE FROM check_runs WHERE target_id = ${id}`;
  await sql`DELETE FROM check_snapshots WHERE target_id = ${id}`;
  await sql`DELETE FROM care_settings WHERE target_id = ${id}`;
  await sql`DELETE FROM registered_backups WHERE target_id = ${id}`;
  // Another target of the same name is another database: nothing is taken back there.
  await sql`DELETE FROM watches WHERE target_id = ${id}`;
  await sql`DELETE FROM rollback_points WHERE target_id = ${id}`;
  await sql`DELETE FROM effects WHERE target_id = ${id}`;
  await sql`DELETE FROM follow_ups WHERE target_id = ${id}`;
  await sql`DELETE FROM learnings WHERE target_id = ${id}`;
  await sql`UPDATE observed_objects SET target_id = NULL WHERE target_id = ${id}`;
}

function columns(sql: LedgerSql, target: Target) {
  const { id, name, kind, connection, secretRef, standbys, labels, version, updatedAt } = target;
  return {
    id,
    name,
    kind,
    connection,
    secretRef,
    standbys: jsonb(sql, standbys),
    labels: jsonb(sql, labels),
    version,
    updatedAt,
  };
}
