import { standbyName } from '@slacktide/application';
import type { ClaimedTask, NodeObservation } from '@slacktide/application/ports';
import type { Target } from '@slacktide/domain';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { holdTask } from '../task-executions/held-task.ts';
import { retryDeadlocks } from '../task-executions/retry-deadlocks.ts';
import { type KnownObject, observe } from './observed-row.ts';
import { upsertObjects } from './upsert-objects.ts';

/** Writes what a look at a node read, however many objects: everything or nothing, one look at a node at a time. */
export async function recordObservation(
  pool: LedgerPool,
  claimed: ClaimedTask,
  observation: NodeObservation,
): Promise<boolean> {
  return await retryDeadlocks(() => pool.begin((tx) => recordIn(tx, claimed, observation)));
}

async function recordIn(tx: LedgerSql, claimed: ClaimedTask, observation: NodeObservation): Promise<boolean> {
  const { target } = claimed;
  const { node, epoch, readings, complete } = observation;
  await takeTurn(tx, target.id, node);
  const at = await holdTask(tx, claimed);
  if (at === undefined) return false;
  const known = await selectKnown(tx, target.id, node);
  const objects = readings.map((reading) => observe(known.get(keyOf(reading)), reading, { epoch, at }));
  await upsertObjects(tx, { targetId: target.id, node, epoch, at }, objects);
  await markGone(tx, target, { node, complete, at });
  return true;
}

/** Another look at the node may be written at this moment, of some ten thousand objects: that takes longer than locks are waited for elsewhere. */
async function takeTurn(tx: LedgerSql, targetId: string, node: string): Promise<void> {
  await tx`SELECT set_config('lock_timeout', '25s', true)`;
  await tx`SELECT pg_advisory_xact_lock(hashtext('slacktide.observation'), hashtext(${`${targetId} ${node}`}))`;
}

function keyOf({ kind, oid }: Pick<KnownObject, 'kind' | 'oid'>): string {
  return `${kind} ${oid}`;
}

/** Arrays come as JSON: what is NULL in an array of numbers, postgres.js takes for NaN. */
async function selectKnown(tx: LedgerSql, targetId: string, node: string): Promise<ReadonlyMap<string, KnownObject>> {
  const rows = await tx<KnownObject[]>`
    SELECT kind, oid, epoch, span_started_at, to_json(counter_names) AS counter_names, to_json(counters) AS counters,
      to_json(span_counters) AS span_counters, to_json(gauge_names) AS gauge_names, to_json(gauges) AS gauges, gone_at, changed_at
    FROM observed_objects WHERE target_id = ${targetId} AND node = ${node}`;
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** What was not among the readings though its kind was read in full, and all that is on nodes the target no longer has. */
async function markGone(
  tx: LedgerSql,
  target: Target,
  { node, complete, at }: Pick<NodeObservation, 'node' | 'complete'> & { readonly at: Date },
): Promise<void> {
  const nodes = [node, 'primary', ...target.standbys.map(standbyName)];
  await tx`
    UPDATE observed_objects SET gone_at = ${at}
    WHERE target_id = ${target.id} AND gone_at IS NULL
      AND ((node = ${node} AND kind = ANY(${[...complete]}) AND last_sampled_at <> ${at}) OR node <> ALL(${nodes}))`;
}
