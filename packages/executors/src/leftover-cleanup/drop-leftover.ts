import { readRestorable, runConcurrently } from '@slacktide/acting';
import type { PlannedStep, StepOutcome } from '@slacktide/application/ports';
import { readNow, skipped, whyNot } from './look-again.ts';
import type { Run, StepData } from './step-data.ts';

/** DROP INDEX CONCURRENTLY, with the way back written down before, unless nothing is lost: a working copy has its original. */
export async function dropLeftover(step: PlannedStep, data: StepData, run: Run): Promise<StepOutcome> {
  const [statement = ''] = step.statements;
  const restorable = await readRestorable(run.observer, step.key);
  if (restorable === undefined) return skipped('gone');
  const settle =
    data.class === 'reindex_leftover'
      ? undefined
      : await run.rollbackPoint({
          object: step.key,
          summary: `Index ${step.key} on ${data.table}, which was ${data.class ?? 'invalid'}, is made again, valid`,
          statements: [...restorable.statements, ...(restorable.analyze === null ? [] : [restorable.analyze])],
        });
  const end = await runConcurrently(
    run,
    {
      operation: 'drop',
      statement,
      tableOid: data.table_oid,
      schema: data.schema,
      index: data.name,
      step: step.key,
      lookAgain: async () => {
        const reason = await whyNot(run, step.key, data);
        return reason === null ? null : { reason };
      },
    },
    run.config,
  );
  const isGone = (await readNow(run, data.oid)) === undefined;
  await settle?.(isGone ? 'armed' : 'void');
  if (end.kind !== 'done') return end;
  if (!isGone) {
    const message = `DROP INDEX of ${step.key} ended with success, but the index is still there`;
    return { kind: 'failed', error: { code: 'not_verified', message } };
  }
  await run.effect({
    action: 'drop_index',
    object: step.key,
    objectKind: 'index',
    durationMs: end.durationMs,
    sizeBeforeBytes: step.sizeBytes,
    sizeAfterBytes: 0,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: { table: data.table, class: data.class },
  });
  const { durationMs, gate } = end;
  return {
    kind: 'done',
    result: { work: 'drop', class: data.class, bytes_freed: step.sizeBytes, duration_ms: durationMs, gate },
  };
}
