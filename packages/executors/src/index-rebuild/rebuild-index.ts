import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { isWorkingCopyName, watchProgress } from '@slacktide/targets';
import { afterFailure } from './after-failure.ts';
import { type IndexState, readIndexState } from './index-state.ts';
import { readInvalidIndexes } from './leftovers.ts';
import { rebuildRemnant } from './remnant.ts';
import type { IndexRebuildConfig } from './schema.ts';
import { passGate } from './start-gate.ts';
import { verifyRebuild } from './verify-rebuild.ts';

const progressEveryMs = 500;

/** One index: look again, pass the gate, record what may be left behind, rebuild, verify; whatever goes wrong on the way, clean up. */
export async function rebuildIndex(step: PlannedStep, run: StepRun<IndexRebuildConfig>): Promise<StepOutcome> {
  const { schema, name } = step.object;
  const [statement] = step.statements;
  if (schema === null || statement === undefined) throw new Error(`expected an index and a statement in ${step.key}`);
  const before = await readIndexState(run.observer, schema, name);
  if (before === undefined) return { kind: 'skipped', reason: 'index_gone' };
  const refusal = refusalOf(before, step);
  if (refusal !== null) return refusal;

  const invalidBefore = await readInvalidIndexes(run.observer, before.tableOid, run.session.identity.pid);
  const leftovers = invalidBefore.filter((invalid) => isWorkingCopyName(invalid.name, name));
  if (leftovers.length > 0) {
    return {
      kind: 'skipped',
      reason: 'leftover_present',
      result: { leftovers: leftovers.map(({ quoted }) => quoted) },
    };
  }
  const gate = await passGate(run, before.tableOid);
  if (!gate.open) return { kind: 'skipped', reason: 'blocked', result: gate.found };
  const close = await run.remnant(await rebuildRemnant(run.session, step, before));
  try {
    const durationMs = await reindex(statement, run);
    await close('absent', 'the rebuild ended with success');
    const after = await readIndexState(run.observer, schema, name);
    return verifyRebuild({ step, before, after, durationMs, gate: gate.found, sample: run.sample });
  } catch (error) {
    const ours = { tableOid: before.tableOid, indexName: name, invalidBefore };
    return await afterFailure(error, run, ours, gate.found, close);
  }
}

/** What changed since the plan was made, or was never allowed. */
function refusalOf(now: IndexState, step: PlannedStep): StepOutcome | null {
  if (now.oid !== step.object.oid || now.quoted !== step.key)
    return { kind: 'skipped', reason: 'replaced_since_planned' };
  if (!now.valid) return { kind: 'skipped', reason: 'invalid' };
  if (now.exclusionConstraint) return { kind: 'skipped', reason: 'exclusion_constraint' };
  if (now.permitted) return null;
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not rebuild ${step.key}; cure: ${now.grant ?? 'only a superuser may'}`,
      detail: { grant: now.grant },
    },
  };
}

async function reindex(statement: string, run: StepRun<IndexRebuildConfig>): Promise<number> {
  // Bounds each single wait, for locks and for snapshots; the whole is bounded by the session's statement_timeout.
  await run.session.execute(`SET lock_timeout = '${run.config.lock_timeout_seconds}s'`);
  const stop = watchProgress(run.observer, run.session.identity.pid, progressEveryMs, (update) =>
    run.progress({ phase: update.phase, percent: update.percent, etaSeconds: update.etaSeconds }),
  );
  try {
    const { durationMs } = await run.session.execute(statement);
    return durationMs;
  } finally {
    await stop();
  }
}
