import type { Aftermath, PastEffect, StatementSince } from '@slacktide/application/ports';
import { type JsonObject, plainName } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';

/** Of an effect, what its aftermath is read by. */
interface Asked {
  readonly id: number;
  /** As observations call the object: unquoted. */
  readonly name: string;
  readonly threshold: number | null;
  readonly queryIds: readonly string[];
}

/** Work that leaves an object as large and as wasteful as it was. */
const leavesAsItWas = ['analyze', 'validate', 'cache_warm'];
/** Statements are compared within so many days after an effect: later, other things have changed. */
const statementDays = 7;

/** Gauges of hours and days that lie between the effect and the next, and the latest look; statements counted between two looks. */
export async function selectAftermaths(
  sql: LedgerSql,
  effects: readonly PastEffect[],
): Promise<ReadonlyMap<number, Aftermath>> {
  if (effects.length === 0) return new Map();
  const asked = effects.map(toAsked);
  const rows = await sql<(Omit<Aftermath, 'statements'> & { id: number })[]>`
    WITH asked AS MATERIALIZED (
      SELECT effects.id, effects.target_id, effects.object_kind, effects.at, asked.name, asked.threshold, following.at AS until
      FROM jsonb_to_recordset(${jsonb(sql, asked)}) AS asked (id int8, name text, threshold float8)
      JOIN effects ON effects.id = asked.id
      LEFT JOIN LATERAL (
        SELECT at FROM effects AS other WHERE other.target_id = effects.target_id AND other.object = effects.object
          AND other.id > effects.id AND other.action <> ALL(${leavesAsItWas}) ORDER BY other.id LIMIT 1
      ) AS following ON true
    ), observed AS MATERIALIZED (
      SELECT asked.id AS effect_id, asked.at AS since, asked.until, asked.threshold, object.id, object.gauges, object.last_sampled_at, object.gone_at,
        array_position(object.gauge_names, 'size_bytes') AS size_at, array_position(object.gauge_names, 'waste_percent') AS waste_at
      FROM asked JOIN observed_objects AS object ON object.target_id = asked.target_id AND object.node = 'primary'
        AND object.kind = asked.object_kind AND object.name = asked.name
    ), looks AS (
      SELECT effect_id, threshold, sample.at, sample.gauges[size_at] AS size, sample.gauges[waste_at] AS waste
      FROM observed JOIN object_samples AS sample ON sample.object_id = observed.id AND sample.at > since
        AND (until IS NULL OR sample.at + ('1 ' || sample.resolution)::interval <= until)
      UNION ALL
      SELECT effect_id, threshold, last_sampled_at, gauges[size_at], gauges[waste_at]
      FROM observed WHERE gone_at IS NULL AND until IS NULL AND last_sampled_at > since
    )
    SELECT effect_id AS id, max(at) AS seen_at,
      (array_agg(size ORDER BY at DESC) FILTER (WHERE size IS NOT NULL))[1] AS size_bytes,
      (array_agg(waste ORDER BY at DESC) FILTER (WHERE waste IS NOT NULL))[1] AS waste_percent,
      min(at) FILTER (WHERE waste >= threshold) AS waste_back_at
    FROM looks GROUP BY effect_id`;
  const seen = new Map(rows.map(({ id, ...look }) => [id, look]));
  const statements = await selectStatements(sql, asked);
  return new Map(asked.map(({ id }) => [id, { ...(seen.get(id) ?? unseen), statements: statements.get(id) ?? [] }]));
}

const unseen = { seenAt: null, sizeBytes: null, wastePercent: null, wasteBackAt: null };

function toAsked({ id, object, wasteBeforePercent, detail }: PastEffect): Asked {
  const threshold = detail['threshold_percent'];
  return {
    id,
    name: plainName(object) ?? object,
    threshold: typeof threshold === 'number' ? threshold : wasteBeforePercent,
    queryIds: queryIdsOf(detail),
  };
}

function queryIdsOf({ statements }: JsonObject): readonly string[] {
  if (!Array.isArray(statements)) return [];
  return statements.flatMap((statement: unknown) => {
    const id =
      typeof statement === 'object' && statement !== null && 'queryid' in statement ? statement.queryid : undefined;
    return typeof id === 'string' ? [id] : [];
  });
}

/**
 * From the first look of the check of statements after the effect to the last within the week. The check keeps `userid/queryid/toplevel` and
 * `[id, calls, total ms, …]`; what was reset or fell between the two tells nothing.
 */
async function selectStatements(
  sql: LedgerSql,
  asked: readonly Asked[],
): Promise<ReadonlyMap<number, readonly StatementSince[]>> {
  const withStatements = asked.filter(({ queryIds }) => queryIds.length > 0);
  if (withStatements.length === 0) return new Map();
  const rows = await sql<(StatementSince & { id: number })[]>`
    WITH asked AS MATERIALIZED (
      SELECT effects.id, effects.target_id, effects.at, asked."queryIds" AS query_ids
      FROM jsonb_to_recordset(${jsonb(sql, withStatements)}) AS asked (id int8, "queryIds" jsonb) JOIN effects ON effects.id = asked.id
    ), looks AS MATERIALIZED (
      SELECT asked.id, query_ids, first.values AS first, last.values AS last FROM asked
      CROSS JOIN LATERAL (
        SELECT at, values FROM check_snapshots WHERE target_id = asked.target_id AND check_name = 'slow_query_pattern' AND at > asked.at
        ORDER BY at LIMIT 1
      ) AS first
      CROSS JOIN LATERAL (
        SELECT values FROM check_snapshots WHERE target_id = asked.target_id AND check_name = 'slow_query_pattern'
          AND at > first.at AND at <= asked.at + ${statementDays} * interval '1 day' ORDER BY at DESC LIMIT 1
      ) AS last
      WHERE first.values -> 'reset_ms' IS NOT DISTINCT FROM last.values -> 'reset_ms'
    ), counted AS (
      SELECT looks.id, split_part(after.key, '/', 2) AS query_id, (after.value ->> 1)::float8 - (before.value ->> 1)::float8 AS calls,
        (after.value ->> 2)::float8 - (before.value ->> 2)::float8 AS total_ms
      FROM looks CROSS JOIN LATERAL jsonb_each(looks.last -> 'statements') AS after
      JOIN LATERAL jsonb_each(looks.first -> 'statements') AS before ON before.key = after.key
      WHERE query_ids ? split_part(after.key, '/', 2)
    )
    SELECT id, query_id, sum(calls) AS calls, sum(total_ms) / sum(calls) AS mean_ms FROM counted
    WHERE calls > 0 AND total_ms >= 0 GROUP BY id, query_id ORDER BY id, sum(total_ms) DESC, query_id`;
  const since = new Map<number, StatementSince[]>();
  for (const { id, ...statement } of rows) since.set(id, [...(since.get(id) ?? []), statement]);
  return since;
}
