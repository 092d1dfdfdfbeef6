import { readConcurrentProof } from '@slacktide/acting';
import { type InterruptedWork, TargetError, type TargetSession } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { dropShortly } from './drop-shortly.ts';
import type { IndexCreateConfig } from './schema.ts';
import { findOwnWhole, readWholeProof } from './whole-remnant.ts';

/** An index that this work has made. */
interface Made {
  readonly oid: number;
  readonly quoted: string;
  readonly partitioned: boolean;
  readonly parentOid: number | null;
}

/**
 * Drops the indexes that the work has made, as its steps and records prove by OID. An index that was there before is never dropped: a partitioned
 * index to which one was attached stays, for to drop it would drop that, too.
 */
export async function rollBackCreate(
  session: TargetSession,
  work: InterruptedWork<IndexCreateConfig>,
): Promise<JsonObject> {
  const own = await readMade(session, await provenOids(session, work));
  const dropped: string[] = [];
  const kept: { index: string; reason: string }[] = [];
  const gone = new Set<number>();
  // A whole goes with everything below it, so it comes first.
  for (const index of own.toSorted((a, b) => Number(b.partitioned) - Number(a.partitioned))) {
    if (gone.has(index.oid)) continue;
    const parts = index.partitioned ? await readParts(session, index.oid) : [];
    const others = parts.filter(({ oid }) => !own.some((made) => made.oid === oid));
    const reason = reasonToKeep(index, others);
    if (reason !== null) {
      kept.push({ index: index.quoted, reason });
      continue;
    }
    try {
      if (index.partitioned) await dropShortly(session, `DROP INDEX ${index.quoted}`);
      else await session.execute(`DROP INDEX CONCURRENTLY ${index.quoted}`);
      for (const { oid, quoted } of [index, ...parts]) {
        gone.add(oid);
        dropped.push(quoted);
      }
    } catch (error) {
      if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
      kept.push({ index: index.quoted, reason: error.message });
    }
  }
  return { dropped, kept };
}

function reasonToKeep(index: Made, others: readonly Pick<Made, 'quoted'>[]): string | null {
  if (others.length > 0) return `it holds ${others.map(({ quoted }) => quoted).join(', ')}, which was there before`;
  return index.parentOid === null ? null : 'it is attached, and goes with the whole alone';
}

/** Steps that ended say what they made; of one that was in hand its record does. */
async function provenOids(session: TargetSession, work: InterruptedWork<IndexCreateConfig>): Promise<number[]> {
  const ended = work.steps.flatMap(({ result, error }) => [result, detailOf(error?.detail)].flatMap(builtOid));
  const inHand: number[] = [];
  for (const { proof } of work.remnants) {
    const whole = readWholeProof(proof);
    const own = whole === undefined ? undefined : await findOwnWhole(session, whole);
    if (own !== undefined) inHand.push(own.oid);
    const concurrent = readConcurrentProof(proof);
    if (concurrent?.operation !== 'create') continue;
    if (concurrent.system_identifier !== session.identity.epoch.systemIdentifier) continue;
    const rows = await session.query<{ oid: number }>(
      `SELECT x.oid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
WHERE i.indrelid = $1::oid AND n.nspname::text = $2::text AND x.relname::text = $3::text AND x.oid <> ALL ($4::oid[])
  AND current_database()::text = $5::text`,
      [concurrent.table_oid, concurrent.schema, concurrent.index, concurrent.indexes_before, concurrent.database],
    );
    inHand.push(...rows.map(({ oid }) => oid));
  }
  return [...ended, ...inHand];
}

function detailOf(detail: unknown): unknown {
  return typeof detail === 'object' && detail !== null ? (detail as Record<string, unknown>)['made'] : undefined;
}

function builtOid(result: unknown): number[] {
  if (typeof result !== 'object' || result === null) return [];
  const { built, index_oid } = result as Record<string, unknown>;
  return built === true && typeof index_oid === 'number' ? [index_oid] : [];
}

const madeSql = `x.oid, format('%I.%I', n.nspname, x.relname) AS quoted, x.relkind = 'I' AS partitioned,
  (SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = x.oid) AS "parentOid"
FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace`;

function readMade(session: TargetSession, oids: readonly number[]): Promise<Made[]> {
  return session.query<Made>(`SELECT ${madeSql} WHERE x.relkind IN ('i', 'I') AND x.oid = ANY ($1::oid[]) ORDER BY 2`, [
    [...new Set(oids)],
  ]);
}

/** Everything attached below, at any depth. */
function readParts(session: TargetSession, oid: number): Promise<Made[]> {
  return session.query<Made>(
    `WITH RECURSIVE below AS (
  SELECT h.inhrelid AS oid FROM pg_inherits h WHERE h.inhparent = $1::oid
  UNION ALL SELECT h.inhrelid FROM below JOIN pg_inherits h ON h.inhparent = below.oid
) SELECT ${madeSql} JOIN below ON below.oid = x.oid`,
    [oid],
  );
}
