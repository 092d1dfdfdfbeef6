import type { LedgerPool, LedgerSql } from '../sql.ts';

// These stand in the text of the statements: of parameters the planner would expect a tenth of all rows, and read everything.
/** Hours are kept this long, then one value a day. */
const hoursKept = "interval '7 days'";
/** Days are kept this long, and so are objects that are gone. */
const daysKept = "interval '400 days'";
/** Of one transaction, which then takes about a second: days that are made, of up to 24 hours each; objects that are forgotten. */
const daysAtOnce = '2000';
const objectsAtOnce = '500';

/** Rolls hours up into days and forgets what is old, in small transactions; of several processes one does. */
export async function pruneObservations(pool: LedgerPool): Promise<void> {
  for (const prune of [rollUp, forgetObjects]) {
    while ((await alone(pool, prune)) > 0);
  }
  await alone(pool, forgetDays);
}

async function alone(pool: LedgerPool, prune: (tx: LedgerSql) => Promise<number>): Promise<number> {
  return await pool.begin(async (tx) => {
    const [lock] = await tx<[{ taken: boolean }]>`
      SELECT pg_try_advisory_xact_lock(hashtext('slacktide.observations.prune')) AS taken`;
    return lock.taken ? await prune(tx) : 0;
  });
}

/** Makes days of the oldest hours: the last figures of each day, and the highest of each gauge. */
async function rollUp(tx: LedgerSql): Promise<number> {
  const { count } = await tx`
    WITH due AS MATERIALIZED (
      SELECT DISTINCT object_id, date_trunc('day', at, 'UTC') AS day FROM (
        SELECT object_id, at FROM object_samples
        WHERE resolution = 'hour' AND at < date_trunc('day', now() - ${tx.unsafe(hoursKept)}, 'UTC') ORDER BY at LIMIT ${tx.unsafe(daysAtOnce)}
      ) AS oldest
    ), hours AS (
      DELETE FROM object_samples USING due
      WHERE object_samples.object_id = due.object_id AND resolution = 'hour' AND at >= day AND at < day + interval '1 day'
      RETURNING object_samples.object_id, day, at, counters, gauges
    ), last AS (
      SELECT DISTINCT ON (object_id, day) object_id, day, counters, gauges FROM hours ORDER BY object_id, day, at DESC
    ), peaks AS (
      SELECT object_id, day, array_agg(peak ORDER BY position) AS gauge_peaks FROM (
        SELECT object_id, day, position, max(gauge) AS peak FROM hours, unnest(gauges) WITH ORDINALITY AS each (gauge, position)
        GROUP BY object_id, day, position
      ) AS each GROUP BY object_id, day
    )
    INSERT INTO object_samples (object_id, at, resolution, counters, gauges, gauge_peaks)
    SELECT object_id, day, 'day', counters, gauges, coalesce(gauge_peaks, '{}') FROM last LEFT JOIN peaks USING (object_id, day)
    ON CONFLICT (object_id, at, resolution) DO UPDATE
      SET counters = excluded.counters, gauges = excluded.gauges, gauge_peaks = excluded.gauge_peaks`;
  return count;
}

/** Forgets objects that are gone for long, and those of deleted targets, with all their samples. */
async function forgetObjects(tx: LedgerSql): Promise<number> {
  const { count } = await tx`
    WITH forgotten AS (
      DELETE FROM observed_objects WHERE id IN (
        SELECT id FROM observed_objects WHERE target_id IS NULL OR gone_at < now() - ${tx.unsafe(daysKept)} LIMIT ${tx.unsafe(objectsAtOnce)}
      ) RETURNING id
    ), samples AS (DELETE FROM object_samples USING forgotten WHERE object_id = id)
    SELECT FROM forgotten`;
  return count;
}

/**
 * Forgets days that are old, but of each object the last of them: where nothing changed since, it alone says what stood at the beginning of
 * what is kept. So those go that have a later one which is old enough by now, too.
 */
async function forgetDays(tx: LedgerSql): Promise<number> {
  const { count } = await tx`
    WITH cutoff AS (SELECT now() - ${tx.unsafe(daysKept)} AS at)
    DELETE FROM object_samples AS old USING object_samples AS later, cutoff
    WHERE later.resolution = 'day' AND later.at < cutoff.at AND later.at >= cutoff.at - interval '3 days'
      AND old.object_id = later.object_id AND old.at < later.at`;
  return count;
}
