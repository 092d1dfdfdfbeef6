import type { ObservedUsage } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

/**
 * How indexes were used within the last days, or since their span began when that is later, or `windowDays` is 0. A sample counts for the
 * window's start once its hour or day was over by then: so what is told may be a little more than happened within, never less.
 */
export async function readUsage(
  sql: LedgerSql,
  targetId: string,
  windowDays: number,
): Promise<readonly ObservedUsage[]> {
  const rows = await sql<ObservedUsage[]>`
    SELECT oid, jsonb_agg(jsonb_build_object('node', node, 'observedSince', span_started_at, 'lastSampledAt', last_sampled_at,
      'scans', counters[position] - coalesce(before.scans, span_counters[position])) ORDER BY node = 'primary' DESC, node) AS nodes
    FROM (
      SELECT *, array_position(counter_names, 'scans') AS position FROM observed_objects
      WHERE target_id = ${targetId} AND kind = 'index' AND gone_at IS NULL
    ) AS object
    LEFT JOIN LATERAL (
      SELECT sample.counters[position] AS scans FROM object_samples AS sample
      WHERE ${windowDays}::float8 > 0 AND sample.object_id = object.id AND sample.at >= date_trunc(sample.resolution, span_started_at, 'UTC')
        AND sample.at <= now() - ${windowDays} * interval '1 day' - ('1 ' || sample.resolution)::interval
      ORDER BY sample.at DESC LIMIT 1
    ) AS before ON true
    WHERE counters[position] IS NOT NULL
    GROUP BY oid ORDER BY oid`;
  return rows.map(({ oid, nodes }) => ({
    oid,
    nodes: nodes.map((node) => ({
      ...node,
      observedSince: new Date(node.observedSince),
      lastSampledAt: new Date(node.lastSampledAt),
    })),
  }));
}
