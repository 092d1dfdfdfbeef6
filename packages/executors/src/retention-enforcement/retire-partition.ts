import { blockerWords, runOnTable, shortAttempts } from '@slacktide/acting';
import { type PlannedStep, type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type Archive, ExportError } from './archive.ts';
import { detach } from './detach.ts';
import { detachRemnant } from './detach-remnant.ts';
import { dropDetached } from './drop-detached.ts';
import { exportPartition } from './export-partition.ts';
import { readPartitionState } from './partition-state.ts';
import { readDetails } from './partitions.ts';
import type { RetentionConfig } from './schema.ts';
import { type PartitionData, partitionDataOf } from './step-data.ts';

type Run = StepRun<RetentionConfig>;

/** Detaches one expired partition, and drops it where the rule says so. Looks again first: what changed since the plan is left alone. */
export async function retirePartition(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const data = partitionDataOf(step);
  const notNow = await whyNotNow(step, data, run);
  if (notNow !== null) return notNow;
  if (data.export_to === null) return await retire(step, data, null, run);
  let archive: Archive;
  try {
    const about = { of: step.key, parent: data.parent, bound: data.bound, cutoff: data.cutoff };
    archive = await exportPartition(run, { oid: data.partition_oid, quoted: step.key, folder: data.export_to }, about);
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    return { kind: 'failed', error: { code: 'export_failed', message: `${step.key} stays: ${error.message}` } };
  }
  let isGone = false;
  try {
    const outcome = await retire(step, data, archive, run);
    isGone = outcome.kind === 'done';
    return outcome;
  } finally {
    // Of a session lost amid the drop nobody knows: then the file stays.
    if (!isGone && (await isStillThere(data, run))) await archive.discard();
  }
}

async function isStillThere(data: PartitionData, run: Run): Promise<boolean> {
  return await readPartitionState(run.observer, data.partition_oid).then(
    (state) => state !== undefined,
    () => false,
  );
}

async function whyNotNow(step: PlannedStep, data: PartitionData, run: Run): Promise<StepOutcome | null> {
  const state = await readPartitionState(run.observer, data.partition_oid);
  if (state === undefined) return { kind: 'skipped', reason: 'partition_gone' };
  const asPlanned =
    state.quoted === step.key &&
    state.parentOid === data.parent_oid &&
    state.bound === data.bound &&
    state.pending === (data.mode === 'finalize');
  if (!asPlanned) return { kind: 'skipped', reason: 'changed_since_planned' };
  const details = await readDetails(run.observer, data.partition_oid, data.parent_oid);
  if (!details.permitted) {
    const cure = details.grant === null ? 'only a superuser may' : `cure: ${details.grant}`;
    const message = `the role may not take ${step.key} from ${data.parent}; ${cure}`;
    return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail: { grant: details.grant } } };
  }
  if (details.rowSecurity) return { kind: 'skipped', reason: 'row_security' };
  if (data.drops && details.dependents.length > 0) {
    return { kind: 'skipped', reason: 'has_dependents', result: { dependents: [...details.dependents] } };
  }
  if (data.held_sql === null) return null;
  // Whatever the plan could count: this is what decides, and for a drop once more under the lock.
  const [held] = await run.session.query<{ rows: number }>(data.held_sql, data.hold_parameters);
  if (held === undefined) throw new Error('an aggregate returned no row');
  return held.rows === 0 ? null : { kind: 'skipped', reason: 'legal_hold', result: { held: held.rows } };
}

async function retire(step: PlannedStep, data: PartitionData, archive: Archive | null, run: Run): Promise<StepOutcome> {
  const startedAtMs = performance.now();
  const exported = archive?.exported ?? null;
  const { drops, partition_oid, parent_oid, parent, attach_sql } = data;
  const proof = { step: step.key, partition_oid, parent_oid, partition: step.key, parent, attach_sql, drops };
  const close = await run.remnant(await detachRemnant(run.session, proof));
  const summary = `attach ${step.key} to ${parent} again`;
  const settle = await run.rollbackPoint({ object: step.key, summary, statements: [attach_sql] });
  const detached = await detach(step, data, run);
  if (detached.kind === 'untouched') {
    await close('absent');
    await settle('void');
    return detached.outcome;
  }
  await settle('armed');
  // The record stays open: the next task on the target finishes the detach.
  if (detached.kind === 'pending') return detached.outcome;
  const tell = async (rows: number | null, result: JsonObject): Promise<StepOutcome> => {
    await close('absent');
    const durationMs = Math.round(performance.now() - startedAtMs);
    const told = { ...result, rows: rows ?? data.rows, rows_estimated: data.rows_estimated };
    await run.effect({
      action: 'retention',
      object: step.key,
      objectKind: 'table',
      durationMs,
      sizeBeforeBytes: step.sizeBytes,
      sizeAfterBytes: drops ? 0 : step.sizeBytes,
      wasteBeforePercent: null,
      wasteAfterPercent: null,
      detail: told,
    });
    return { kind: 'done', result: { ...told, size_bytes: step.sizeBytes, duration_ms: durationMs } };
  };
  if (!drops) return await tell(null, { method: 'detach_partitions', undo: attach_sql });

  const notDropped = async (reason: string, why: string): Promise<StepOutcome> => {
    await close('kept', `${step.key} is detached and was not dropped`);
    const message = `${step.key} is detached and was not dropped: ${why}. Drop it, or attach it again by ${attach_sql}`;
    return { kind: 'failed', error: { code: reason, message, detail: { attach_sql } } };
  };
  if (run.signal.aborted) return await notDropped('cancelled', 'the work was cancelled');
  const dropped = await dropDetached(step, data, exported, run).catch((error: unknown) => {
    if (!(error instanceof TargetError) || error.code === 'session_lost') throw error;
    return { kind: 'failed' as const, error };
  });
  if (dropped.kind === 'failed') return await notDropped(dropped.error.code, dropped.error.message);
  if (dropped.kind === 'locked') return await notDropped('lock_timeout', `no lock on it; in the way: ${dropped.who}`);
  if (dropped.kind === 'refused') {
    const blockers = await attachAgain(data, run);
    if (blockers !== null)
      return await notDropped(dropped.reason, `it holds rows it did not before, and attaching it failed: ${blockers}`);
    await close('absent');
    await settle('void');
    return { kind: 'skipped', reason: dropped.reason, result: { rows: dropped.found.rows, held: dropped.found.held } };
  }
  if ((await readPartitionState(run.observer, partition_oid)) !== undefined) {
    return await notDropped('not_verified', 'the statement ended with success, but the table is still there');
  }
  await settle('void');
  return await tell(dropped.rows, {
    method: 'drop_partitions',
    export: exported === null ? null : { ...exported },
  });
}

/** Null = it is a partition again. */
async function attachAgain(data: PartitionData, run: Run): Promise<string | null> {
  const attempts = shortAttempts(run.config.lock_limit_seconds * 1_000);
  const ran = await runOnTable(run, {
    tableOid: data.partition_oid,
    statement: data.attach_sql,
    lock: 'ACCESS EXCLUSIVE',
    ...attempts,
  });
  if (ran.kind === 'locked') return ran.blockers.map(blockerWords).join('; ') || 'no lock on it';
  const state = await readPartitionState(run.observer, data.partition_oid);
  return state?.parentOid === data.parent_oid ? null : 'the catalogue shows it detached';
}
