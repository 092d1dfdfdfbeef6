import { jsonb, type LedgerSql } from '../sql.ts';
import { arrayText } from './figures.ts';
import type { ObservedObject } from './observed-row.ts';

/** A look at a node, as it is written. */
export interface Look {
  readonly targetId: string;
  readonly node: string;
  readonly epoch: string;
  readonly at: Date;
}

/** Objects sent in one statement: some megabytes of text. */
const mostAtOnce = 10_000;

/** Writes the objects as a look leaves them, and samples of those that have changed. */
export async function upsertObjects(tx: LedgerSql, look: Look, objects: readonly ObservedObject[]): Promise<void> {
  for (let from = 0; from < objects.length; from += mostAtOnce) {
    await upsertSome(tx, look, objects.slice(from, from + mostAtOnce));
  }
  await writeSamples(tx, look);
}

async function upsertSome(tx: LedgerSql, look: Look, objects: readonly ObservedObject[]): Promise<void> {
  const { targetId, node, epoch, at } = look;
  const { rows, names } = compressed(objects);
  await tx`
    INSERT INTO observed_objects (target_id, node, kind, oid, name, filenode, epoch, span_started_at, last_sampled_at, changed_at,
      counter_names, counters, span_counters, gauge_names, gauges)
    SELECT ${targetId}, ${node}, kind, oid, name, filenode, ${epoch}, "spanStartedAt", ${at}, "changedAt",
      "counterNames", counters, "spanCounters", "gaugeNames", gauges
    FROM jsonb_to_recordset(${jsonb(tx, rows)}) AS object (
      kind text, oid bigint, name text, filenode bigint, "spanStartedAt" timestamptz, "changedAt" timestamptz,
      counters float8[], "spanCounters" float8[], gauges float8[], names int
    ) JOIN jsonb_to_recordset(${jsonb(tx, names)}) AS list (names int, "counterNames" text[], "gaugeNames" text[]) USING (names)
    ON CONFLICT (target_id, node, kind, oid) DO UPDATE SET name = excluded.name, filenode = excluded.filenode, epoch = excluded.epoch,
      span_started_at = excluded.span_started_at, last_sampled_at = excluded.last_sampled_at, changed_at = excluded.changed_at,
      counter_names = excluded.counter_names, counters = excluded.counters, span_counters = excluded.span_counters,
      gauge_names = excluded.gauge_names, gauges = excluded.gauges, gone_at = NULL`;
}

/** Objects of a kind have the same names, as a rule: each list of them is sent once. */
function compressed(objects: readonly ObservedObject[]) {
  const lists = new Map<string, { names: number; counterNames: readonly string[]; gaugeNames: readonly string[] }>();
  const rows = objects.map(({ counterNames, gaugeNames, counters, spanCounters, gauges, ...object }) => {
    const key = JSON.stringify([counterNames, gaugeNames]);
    const list = lists.get(key) ?? { names: lists.size, counterNames, gaugeNames };
    lists.set(key, list);
    return {
      ...object,
      counters: arrayText(counters),
      spanCounters: arrayText(spanCounters),
      gauges: arrayText(gauges),
      names: list.names,
    };
  });
  return { rows, names: [...lists.values()] };
}

/** The hour's sample of what has changed: its last reading stands. */
async function writeSamples(tx: LedgerSql, { targetId, node, at }: Look): Promise<void> {
  await tx`
    INSERT INTO object_samples (object_id, at, resolution, counters, gauges)
    SELECT id, date_trunc('hour', ${at}::timestamptz, 'UTC'), 'hour', counters, gauges
    FROM observed_objects WHERE target_id = ${targetId} AND node = ${node} AND changed_at = ${at}
    ON CONFLICT (object_id, at, resolution) DO UPDATE SET counters = excluded.counters, gauges = excluded.gauges`;
}
