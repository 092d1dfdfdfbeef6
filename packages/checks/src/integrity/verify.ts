import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { Verifier } from './amcheck.ts';
import type { RelationRow } from './relations.ts';
import type { IntegrityConfig } from './schema.ts';

/** What came of verifying one relation. */
export type Verdict =
  | { readonly kind: 'sound' }
  /** `details` are what amcheck says. */
  | { readonly kind: 'corrupt'; readonly message: string; readonly details: JsonObject }
  | { readonly kind: 'unverified'; readonly reason: string };

/** data_corrupted and index_corrupted. Everything else that fails is a failure of the check, not of the data. */
const corruptionStates: readonly string[] = ['XX001', 'XX002'];

/** How many of verify_heapam's complaints are kept. */
const keptProblems = 20;

/** The relation $1, unless somebody has a lock of the modes $2 on it or on its table since it was listed. */
const freeSql = `
WITH free AS MATERIALIZED (
  SELECT c.oid FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
  WHERE c.oid = $1::oid AND NOT EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation IN (c.oid, i.indrelid, c.reltoastrelid) AND l.mode = ANY ($2::text[])
      AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))))`;

type Usable = Extract<Verifier, { kind: 'usable' }>;

/** Whether nobody has, or waits for, a lock of the modes `conflicts` on the relation, its table or its TOAST table. */
export async function isFree(reader: TargetReader, oid: number, conflicts: readonly string[]): Promise<boolean> {
  const rows = await reader.query(`${freeSql} SELECT FROM free`, [oid, conflicts]);
  return rows.length > 0;
}

/** How an index is verified: with what switched on. */
export function indexSwitches({ name, parameters }: Usable, config: IntegrityConfig): readonly boolean[] {
  const parent = name === 'bt_index_parent_check';
  const checkUnique = parameters === (parent ? 4 : 3);
  // Descending anew from the root for every entry is no part of what was asked for.
  return [config.heapallindexed, ...(parent ? [false] : []), ...(checkUnique ? [config.checkunique] : [])];
}

/** A statement of its own for each, so that one failure tells which. @throws TargetError where the session is over */
export function verifyIndex(
  reader: TargetReader,
  { oid }: RelationRow,
  verifier: Usable,
  { config, conflicts }: { config: IntegrityConfig; conflicts: readonly string[] },
): Promise<Verdict> {
  const switches = indexSwitches(verifier, config);
  const given = switches.map((_, position) => `, $${position + 3}::boolean`).join('');
  const sql = `${freeSql} SELECT ${verifier.schema}.${verifier.name}(free.oid::regclass${given})::text AS done FROM free`;
  return judged(async () => {
    const rows = await reader.query(sql, [oid, conflicts, ...switches]);
    return rows.length === 0 ? { kind: 'unverified', reason: 'locked' } : { kind: 'sound' };
  });
}

interface HeapRow {
  readonly free: boolean;
  readonly problems: number;
  readonly first: readonly JsonObject[];
}

/** Goes through all pages whatever is wrong with the first, and looks up every TOAST pointer. @throws TargetError where the session is over */
export function verifyHeap(
  reader: TargetReader,
  { oid }: RelationRow,
  { schema, name }: Usable,
  conflicts: readonly string[],
): Promise<Verdict> {
  const sql = `${freeSql}, problems AS MATERIALIZED (
  SELECT v.blkno::float8 AS block, v.offnum AS item, v.attnum AS attribute, v.msg AS message, row_number() OVER () AS number
  FROM free CROSS JOIN LATERAL ${schema}.${name}(free.oid::regclass, false, true) AS v)
SELECT EXISTS (SELECT FROM free) AS free, count(*)::int AS problems,
  coalesce(json_agg(json_build_object('block', block, 'item', item, 'attribute', attribute, 'message', message) ORDER BY number)
    FILTER (WHERE number <= $3::int), '[]') AS first
FROM problems`;
  return judged(async () => {
    const [row] = await reader.query<HeapRow>(sql, [oid, conflicts, keptProblems]);
    if (row === undefined || !row.free) return { kind: 'unverified', reason: 'locked' };
    if (row.problems === 0) return { kind: 'sound' };
    const message = String(row.first[0]?.['message'] ?? 'damaged rows');
    return { kind: 'corrupt', message, details: { problems: row.problems, first_problems: row.first } };
  });
}

/** What came of verifying, where an error tells it too. @throws TargetError where the session is over */
export async function judged(verify: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await verify();
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    const corruption = asCorruption(error);
    if (corruption !== undefined) return corruption;
    switch (error.code) {
      case 'session_lost':
      case 'cancelled':
        throw error;
      case 'lock_timeout':
        return { kind: 'unverified', reason: 'locked' };
      case 'statement_failed':
        return { kind: 'unverified', reason: `check_failed: ${error.message}` };
      default:
        return { kind: 'unverified', reason: error.code };
    }
  }
}

/** Undefined for an error that says nothing of the data. */
export function asCorruption(error: TargetError): Extract<Verdict, { kind: 'corrupt' }> | undefined {
  if (!corruptionStates.includes(error.sqlState ?? '')) return undefined;
  return { kind: 'corrupt', message: error.message, details: { sqlstate: error.sqlState } };
}
