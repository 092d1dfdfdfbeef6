import { runConcurrently } from '@slacktide/acting';
import type { PlannedStep, StepOutcome } from '@slacktide/application/ports';
import { whyNot } from './look-again.ts';
import type { Run, StepData } from './step-data.ts';

const rebuiltSql = `
SELECT (i.indisvalid AND i.indisready AND i.indislive) AS valid, pg_relation_size(x.oid)::float8 AS "sizeBytes"
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
WHERE n.nspname::text = $1::text AND x.relname::text = $2::text`;

/** REINDEX INDEX CONCURRENTLY brings an index back that queries cannot use. */
export async function rebuildLost(step: PlannedStep, data: StepData, run: Run): Promise<StepOutcome> {
  const [statement = ''] = step.statements;
  const { schema, name } = data;
  const lookAgain = async () => {
    const reason = await whyNot(run, step.key, data);
    return reason === null ? null : { reason };
  };
  const work = {
    operation: 'reindex',
    statement,
    tableOid: data.table_oid,
    schema,
    index: name,
    step: step.key,
    lookAgain,
  } as const;
  const end = await runConcurrently(run, work, run.config);
  if (end.kind !== 'done') return end;
  const [after] = await run.observer.query<{ valid: boolean; sizeBytes: number }>(rebuiltSql, [schema, name]);
  if (after?.valid !== true) {
    const message = `REINDEX of ${step.key} ended with success, but the catalogue shows no valid index`;
    return { kind: 'failed', error: { code: 'not_verified', message } };
  }
  await run.effect({
    action: 'reindex',
    object: step.key,
    objectKind: 'index',
    durationMs: end.durationMs,
    sizeBeforeBytes: step.sizeBytes,
    sizeAfterBytes: after.sizeBytes,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: { table: data.table, class: data.class },
  });
  const { durationMs, gate } = end;
  return {
    kind: 'done',
    result: { work: 'rebuild', class: data.class, size_bytes: after.sizeBytes, duration_ms: durationMs, gate },
  };
}
