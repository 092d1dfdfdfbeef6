import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { FoundFinding, UnknownObject } from '@slacktide/domain';
import type { RelationRow } from './relations.ts';

/** A collation that indexes sort by, and the version they were built with. */
export interface CollationRow {
  readonly oid: number;
  /** Null for the default collation of the database. */
  readonly schema: string | null;
  readonly name: string;
  /** Quoted by the server. */
  readonly quoted: string;
  /** Null where none was recorded. */
  readonly recorded: string | null;
  readonly actual: string | null;
  /** Why the versions could not be compared; null = they could. */
  readonly obstacle: string | null;
}

/** `pg_collation.oid` of the default collation. */
const defaultOid = 100;

const collationsSql = `
SELECT c.oid, n.nspname::text AS schema, c.collname::text AS name, format('%I.%I', n.nspname, c.collname) AS quoted, c.collversion AS recorded
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE c.collversion IS NOT NULL AND c.oid = ANY ($1::oid[]) ORDER BY n.nspname, c.collname`;

/** Collations whose order no library decides have no version. */
const unversioned = `datcollate IN ('C', 'POSIX') OR datcollate LIKE 'C.%'`;

/** Only from 15 on the version of the default collation is recorded. */
function defaultSql(serverVersion: number): string {
  const recorded =
    serverVersion >= 150_000
      ? 'datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual, false AS hidden'
      : `NULL AS recorded, NULL AS actual, NOT (${unversioned}) AS hidden`;
  return `SELECT datname::text || ' default collation' AS name, ${recorded} FROM pg_database WHERE datname = current_database()`;
}

/** Of the collations that indexes sort by; initdb imports hundreds that nobody uses. */
export async function readCollations(reader: TargetReader, relations: readonly RelationRow[]): Promise<CollationRow[]> {
  const used = new Set(relations.flatMap(({ collations }) => collations));
  const rows = await reader.query<Omit<CollationRow, 'actual' | 'obstacle'>>(collationsSql, [[...used]]);
  const collations: CollationRow[] = [];
  for (const row of rows) collations.push({ ...row, ...(await readActual(reader, row.oid)) });
  const [standard] = await reader.query<{
    name: string;
    recorded: string | null;
    actual: string | null;
    hidden: boolean;
  }>(defaultSql(reader.serverVersion));
  // Neither recorded nor to be had: its order comes from no library.
  if (standard !== undefined && (standard.recorded !== null || standard.actual !== null || standard.hidden)) {
    const { name, recorded, actual } = standard;
    const obstacle = recorded === null ? 'collation_version_not_recorded' : null;
    collations.push({ oid: defaultOid, schema: null, name, quoted: name, recorded, actual, obstacle });
  }
  return collations;
}

/** Fails for a locale that the system no longer has: one at a time, so that it hides no other. */
async function readActual(reader: TargetReader, oid: number): Promise<Pick<CollationRow, 'actual' | 'obstacle'>> {
  try {
    const [row] = await reader.query<{ actual: string | null }>(
      'SELECT pg_collation_actual_version($1::oid) AS actual',
      [oid],
    );
    return { actual: row?.actual ?? null, obstacle: null };
  } catch (error) {
    if (!(error instanceof TargetError) || error.code !== 'statement_failed') throw error;
    return { actual: null, obstacle: `check_failed: ${error.message}` };
  }
}

/** Sorted by another version of the collation than the one which searches go by now. */
export function hasChanged({ recorded, actual, obstacle }: CollationRow): boolean {
  return obstacle === null && recorded !== null && recorded !== actual;
}

/** Names listed in evidence. */
const listed = 20;

/** `indexes` are those that sort by it. */
export function collationFinding(collation: CollationRow, indexes: readonly RelationRow[]): FoundFinding {
  const { schema, name, quoted, recorded, actual } = collation;
  return {
    fingerprint: schema === null ? `default_collation:${name}` : `collation:${quoted}`,
    severity: 'warning',
    object: { kind: 'collation', schema, name, table: null },
    summary: `${indexes.length} indexes sort by version ${recorded} of collation ${quoted}, but searches go by version ${actual}: entries may not be found`,
    evidence: {
      recorded_version: recorded,
      actual_version: actual,
      indexes: indexes.length,
      first_indexes: indexes.slice(0, listed).map((index) => index.quoted),
      no_action_because: 'the indexes are to be verified and rebuilt before the new version is recorded',
    },
    action: null,
  };
}

export function unknownCollation({ schema, name, obstacle }: CollationRow): UnknownObject | undefined {
  if (obstacle === null) return undefined;
  return { object: schema === null ? name : `${schema}.${name}`, reason: obstacle, grant: null };
}
