import { setTimeout as sleep } from 'node:timers/promises';
import {
  type NewRemnant,
  type Remnant,
  type RemnantOutcome,
  TargetError,
  type TargetReader,
  type TargetSession,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import { type CompactTable, readCompactTable } from './tables.ts';

/** What has to be known, before pg_repack begins, to tell later what it left behind. */
const repackProof = z.object({
  method: z.literal('pg_repack'),
  system_identifier: z.string(),
  database: z.string(),
  table: z.string(),
  table_oid: z.int().nonnegative(),
  application_name: z.string(),
});
export type RepackProof = z.infer<typeof repackProof>;

/** Written only where none of its objects is there: what is there later is ours, unless somebody else ran it since and was cut short, too. */
export async function repackRemnant(session: TargetReader, table: CompactTable): Promise<NewRemnant> {
  const proof: RepackProof = {
    method: 'pg_repack',
    system_identifier: session.identity.epoch.systemIdentifier,
    database: await currentDatabase(session),
    table: table.quoted,
    table_oid: table.oid,
    application_name: session.identity.applicationName,
  };
  return { kind: 'table', proof };
}

/** First half of the advisory lock that every pg_repack at work on a table holds: bin/pg_repack.c, REPACK_LOCK_PREFIX_STR. */
const repackLockClass = 16_185_446;

/** The second half is the table's OID less 2^31, as an int4; pg_locks shows it as an OID. */
const atWorkSql = `
SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::int8::oid AND objsubid = 2 AND granted
  AND objid = (($2::int8 + 2147483648) % 4294967296)::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Whether any pg_repack is at work on the table, ours or not. */
export async function isRepackAtWork(reader: TargetReader, tableOid: number): Promise<boolean> {
  return (await reader.query(atWorkSql, [repackLockClass, tableOid])).length > 0;
}

/** pg_repack's own way of removing its objects: all or none. Takes ACCESS EXCLUSIVE on the table for a moment. */
export function dropLeftoversStatement(tableOid: number): string {
  return `SELECT repack.repack_drop(${Math.trunc(tableOid)}::oid, 4)`;
}

const attempts = 10;
const attemptMs = 500;
const pauseMs = 500;

/**
 * Removes what a pg_repack of ours left. Each go waits for its lock for half a second. Rejects with TargetError when it cannot go now.
 * `send` = how the session may still speak: after an abort only by its way of cleaning up.
 */
export async function removeLeftovers(
  tableOid: number,
  observer: TargetReader,
  send: (statement: string) => Promise<unknown>,
): Promise<readonly string[]> {
  let lastError: unknown;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (attempt > 0) await sleep(pauseMs);
    const table = await readCompactTable(observer, tableOid);
    // With the table its trigger is gone, and with the trigger's table nobody writes to the log any more.
    if (table === undefined || table.repackObjects.length === 0) return [];
    if (await isRepackAtWork(observer, tableOid)) {
      lastError = new TargetError('lock_timeout', `pg_repack is still at work on ${table.quoted}`);
      continue;
    }
    try {
      await send(`SET lock_timeout = '${attemptMs}ms'`);
      await send(dropLeftoversStatement(tableOid));
      return table.repackObjects;
    } catch (error) {
      if (!(error instanceof TargetError) || error.code !== 'lock_timeout') throw error;
      lastError = error;
    }
  }
  throw lastError;
}

/** For recovery. Rejects with TargetError where it cannot be done now. */
export async function sweepRepack(
  session: TargetSession,
  remnant: Remnant,
): Promise<{ readonly outcome: RemnantOutcome; readonly note: string }> {
  const proof = repackProof.safeParse(remnant.proof satisfies JsonObject).data;
  if (proof === undefined) return { outcome: 'kept', note: `record ${remnant.id} is none of pg_repack` };
  if (
    session.identity.epoch.systemIdentifier !== proof.system_identifier ||
    (await currentDatabase(session)) !== proof.database
  ) {
    return { outcome: 'kept', note: `record ${remnant.id} is of the database ${proof.database} on another system` };
  }
  const removed = await removeLeftovers(proof.table_oid, session, (statement) => session.execute(statement));
  await session.execute('RESET lock_timeout');
  return removed.length === 0
    ? { outcome: 'absent', note: `nothing is left of pg_repack on ${proof.table}` }
    : { outcome: 'swept', note: `removed ${removed.join(', ')}` };
}

async function currentDatabase(reader: TargetReader): Promise<string> {
  const [row] = await reader.query<{ database: string }>('SELECT current_database()::text AS database');
  if (row === undefined) throw new Error('a SELECT without FROM returned no row');
  return row.database;
}
