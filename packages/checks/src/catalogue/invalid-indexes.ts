import { setTimeout } from 'node:timers/promises';
import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';
import { exclusivelyLockedSql } from './exclusively-locked.ts';
import { partitionTreeSql } from './partition-tree.ts';
import { readStatsGrantSql } from './sessions.ts';

/** Whether a session is at work on an index: `hidden` = one may be, and our role cannot see on which index of the table. */
export type Work = 'none' | 'hidden' | 'running';

/** An index that is not valid, ready and live, as the catalogue shows it before anything of it is opened. */
export interface InvalidSighting {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly work: Work;
  /** Somebody holds, or waits for, ACCESS EXCLUSIVE on it or its table: reading its definition would wait. */
  readonly locked: boolean;
}

export interface InvalidIndexSightings {
  readonly inRecovery: boolean;
  readonly database: string;
  /** Indexes of users' tables and of their TOAST tables, valid or not. */
  readonly indexes: number;
  readonly sightings: readonly InvalidSighting[];
  readonly readStatsGrant: string;
}

/** SQL condition on pg_index `i`: planned with, and kept up to date. */
export const usableSql = '(i.indisvalid AND i.indisready AND i.indislive)';

/** FROM clause: index `x` (pg_class, pg_index as `i`) in schema `s` on table `t`; `c` in `n` is the user's table, which for TOAST is its owner. */
export const indexesFromSql = `pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace s ON s.oid = x.relnamespace
  JOIN pg_class t ON t.oid = i.indrelid LEFT JOIN pg_class o ON t.relkind = 't' AND o.reltoastrelid = t.oid
  JOIN pg_class c ON c.oid = coalesce(o.oid, t.oid) JOIN pg_namespace n ON n.oid = c.relnamespace`;

const aroundSql = `
SELECT pg_is_in_recovery() AS "inRecovery", current_database()::text AS database, ${readStatsGrantSql} AS "readStatsGrant",
  (SELECT count(*)::int FROM ${indexesFromSql} WHERE ${usersTableSql}) AS indexes`;

/**
 * Who is at work: REINDEX and DROP … CONCURRENTLY hold SHARE UPDATE EXCLUSIVE on the index itself, which VACUUM and ANALYZE do not, and
 * pg_locks hides nothing; CREATE INDEX CONCURRENTLY holds it on the table alone, and pg_stat_progress_create_index says for which index,
 * or, before the index's OID is told, for which table. A session that idles in a transaction is not at work, whatever it locks. An
 * incomplete partitioned index is worked on by whoever builds an index of its shape on a partition.
 */
const sightingsSql = `
WITH RECURSIVE invalid AS MATERIALIZED (
  SELECT x.oid, s.nspname, x.relname, x.relkind, i.indrelid, t.relname AS "table", i.indnatts, i.indisunique
  FROM ${indexesFromSql} WHERE NOT ${usableSql} AND ${usersTableSql}
), ${partitionTreeSql('below', 'SELECT DISTINCT indrelid AS root FROM invalid')}, builds AS MATERIALIZED (
  SELECT pid, relid, index_relid, relid IS NULL AS hidden FROM pg_stat_progress_create_index
  WHERE datname = current_database() AND (command IS NULL OR command LIKE '%CONCURRENTLY')
), held AS MATERIALIZED (
  SELECT l.relation, l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND coalesce(a.state, '') NOT LIKE 'idle%'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.pid <> pg_backend_pid()
), locked AS MATERIALIZED (${exclusivelyLockedSql})
SELECT v.oid, v.nspname::text AS schema, v.relname::text AS name, v."table"::text AS "table",
  EXISTS (SELECT FROM locked l WHERE l.relation IN (v.oid, v.indrelid)) AS locked,
  CASE
    WHEN EXISTS (SELECT FROM held h WHERE h.relation = v.oid)
      OR EXISTS (SELECT FROM builds b WHERE b.index_relid = v.oid OR b.relid = v.indrelid AND coalesce(b.index_relid, 0) = 0)
      OR v.relkind = 'I' AND EXISTS (
        SELECT FROM below JOIN builds b ON b.relid = below.relid JOIN pg_index i ON i.indexrelid = b.index_relid
        WHERE below.root = v.indrelid AND i.indnatts = v.indnatts AND i.indisunique = v.indisunique) THEN 'running'
    WHEN EXISTS (SELECT FROM below JOIN held h ON h.relation = below.relid JOIN builds b ON b.pid = h.pid AND b.hidden
        WHERE below.root = v.indrelid) THEN 'hidden'
    ELSE 'none' END AS work
FROM invalid v
ORDER BY 2, 3`;

async function sightInvalidIndexes(reader: TargetReader): Promise<InvalidIndexSightings> {
  const [around] = await reader.query<Omit<InvalidIndexSightings, 'sightings'>>(aroundSql);
  if (around === undefined) throw new Error('a SELECT without FROM returned no row');
  return { ...around, sightings: await reader.query<InvalidSighting>(sightingsSql) };
}

/**
 * Every invalid index of users' tables and their TOAST tables. Looks a second time after `confirmSeconds` where any seems to be left over:
 * a build that ended, or began, between two reads of one look is not mistaken for a leftover. Anybody may read this; no lock is waited for.
 */
export async function findInvalidIndexes(
  reader: TargetReader,
  confirmSeconds: number,
  signal: AbortSignal,
): Promise<InvalidIndexSightings> {
  const first = await sightInvalidIndexes(reader);
  if (first.inRecovery || first.sightings.every(({ work }) => work === 'running')) return first;
  await setTimeout(confirmSeconds * 1_000, undefined, { signal });
  const second = await sightInvalidIndexes(reader);
  return { ...second, sightings: confirmSightings(first.sightings, second.sightings) };
}

/** What still is there, with the more cautious of both verdicts. */
export function confirmSightings(
  first: readonly InvalidSighting[],
  second: readonly InvalidSighting[],
): InvalidSighting[] {
  const before = new Map(first.map(({ oid, work }) => [oid, work]));
  return second.map((sighting) => ({ ...sighting, work: moreCautious(sighting.work, before.get(sighting.oid)) }));
}

/** One that only now came into being is being made. */
function moreCautious(now: Work, before: Work = 'running'): Work {
  if (now === 'running' || before === 'running') return 'running';
  return now === 'hidden' ? now : before;
}
