import type { GaugeFilter, GaugeHistory } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

/** The history of one gauge of a target's objects on its primary, of those with the largest values now. */
export async function readGauges(
  sql: LedgerSql,
  targetId: string,
  { kind, gauge, days, atLeast, limit }: GaugeFilter,
): Promise<readonly GaugeHistory[]> {
  const rows = await sql<{ name: string; oid: number; readings: { at: string; value: number }[] }[]>`
    SELECT name, oid, jsonb_agg(jsonb_build_object('at', sample.at, 'value', sample.value) ORDER BY sample.at) AS readings
    FROM (
      SELECT *, array_position(gauge_names, ${gauge}) AS position FROM observed_objects
      WHERE target_id = ${targetId} AND node = 'primary' AND kind = ${kind} AND gone_at IS NULL
        AND gauges[array_position(gauge_names, ${gauge})] >= ${atLeast}
      ORDER BY gauges[array_position(gauge_names, ${gauge})] DESC, id LIMIT ${limit}
    ) AS object
    CROSS JOIN LATERAL (
      SELECT at, object_samples.gauges[position] AS value FROM object_samples
      WHERE object_id = object.id AND at >= now() - ${days} * interval '1 day'
        AND object_samples.gauges[position] IS NOT NULL
      UNION ALL SELECT last_sampled_at, object.gauges[position]
    ) AS sample
    GROUP BY object.id, name, oid ORDER BY max(sample.value) DESC, name`;
  return rows.map(({ name, oid, readings }) => ({
    name,
    oid,
    readings: readings.map(({ at, value }) => ({ at: new Date(at), value })),
  }));
}
