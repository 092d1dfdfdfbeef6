import { type ForeignKey, joinSql, reachesOut } from './foreign-keys.ts';
import { type Hold, heldSql } from './holds.ts';
import type { TimeAxis } from './time-axis.ts';

/** One line of JSON a row: the text of a json column may break lines, which outside of strings mean nothing. */
export const lineSql = (alias: string): string => `translate(row_to_json(${alias}.*)::text, E'\\n\\r', '  ')`;

export interface DeleteSpec {
  /** Quoted by the server. */
  readonly table: string;
  readonly axis: TimeAxis;
  readonly holds: readonly Hold[];
  /** Rows that others refer to, without a rule what becomes of those, stay. */
  readonly foreignKeys: readonly ForeignKey[];
  /** By a range of blocks instead of the index. */
  readonly scan: boolean;
  readonly exports: boolean;
}

/** First parameter of the holds in a batch: $1 cutoff, $2 from, $3 at most, $4 to. */
const firstHold = { scan: 5, index: 4 } as const;

/**
 * One batch. $1 cutoff, $2 where to go on, $3 at most so many rows, $4 with `scan` where to end, then the values of the holds. Rows that somebody
 * else has locked are passed over, and locked rows cannot become referenced; of a row that was changed meanwhile the new version is judged.
 */
export function batchSql(spec: DeleteSpec): string {
  const { axis, exports, foreignKeys, holds, scan, table } = spec;
  const column = `t.${axis.column}`;
  const type = axis.type;
  const conditions = [
    `${column} < $1::${type}`,
    scan ? 't.ctid >= $2::tid AND t.ctid < $4::tid' : `${column} >= $2::${type}`,
    ...keptOut(holds, foreignKeys, firstHold[scan ? 'scan' : 'index']),
  ];
  const order = scan ? '' : ` ORDER BY ${column}`;
  const doomed = `SELECT t.ctid FROM ONLY ${table} AS t WHERE ${conditions.join(' AND ')}${order} LIMIT $3::int4 FOR UPDATE OF t SKIP LOCKED`;
  const gone = `DELETE FROM ONLY ${table} AS t WHERE t.ctid = ANY (ARRAY(${doomed}))`;
  return exports
    ? `WITH gone AS (${gone} RETURNING ${column} AS at, ${lineSql('t')} AS line) SELECT gone.at::text AS at, gone.line FROM gone ORDER BY gone.at`
    : `WITH gone AS (${gone} RETURNING ${column} AS at) SELECT count(*)::float8 AS rows, max(gone.at)::text AS last FROM gone`;
}

/** What would go now: condition on `t`, with $1 the cutoff and then the holds. */
export function goingSql(
  { axis, holds, foreignKeys }: Pick<DeleteSpec, 'axis' | 'holds' | 'foreignKeys'>,
  alias: string,
): string {
  return [`${alias}.${axis.column} < $1::${axis.type}`, ...keptOut(holds, foreignKeys, 2, alias)].join(' AND ');
}

function keptOut(holds: readonly Hold[], foreignKeys: readonly ForeignKey[], first: number, alias = 't'): string[] {
  return [
    ...(holds.length === 0 ? [] : [`(${heldSql(holds, alias, first)}) IS NOT TRUE`]),
    ...foreignKeys
      .filter((key) => !reachesOut(key))
      .map((key, i) => `NOT EXISTS (SELECT FROM ${key.table} AS k${i} WHERE ${joinSql(key, `k${i}`, alias)})`),
  ];
}

/** Rows of a partition, all of them, that are on hold. */
export function heldCountSql(table: string, holds: readonly Hold[]): string {
  return `SELECT count(*)::float8 AS rows FROM ${table} AS t WHERE ${heldSql(holds, 't', 1)}`;
}

/** Under a lock that keeps writers out: whether the partition is as it was exported, and free of holds. */
export function checkSql(table: string, holds: readonly Hold[], exports: boolean): string {
  const held = holds.length === 0 ? '0' : `count(*) FILTER (WHERE ${heldSql(holds, 't', 1)})`;
  const sum = exports ? checksumSql(lineSql('t')) : 'NULL';
  return `SELECT count(*)::float8 AS rows, (${held})::float8 AS held, ${sum} AS checksum FROM ${table} AS t`;
}

/** The sum of the first 60 bits of the SHA-256 of each line: the same in whatever order they come. */
function checksumSql(line: string): string {
  const digits = `left(encode(sha256(convert_to(${line}, 'UTF8')), 'hex'), 15)`;
  return `coalesce(sum(('x' || ${digits})::bit(60)::int8), 0)::text`;
}
