import { readGuardedIndexes, readStatementsBefore, runConcurrently } from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun, TargetReader } from '@slacktide/application/ports';
import { earlierStatements } from '@slacktide/checks';
import type { IndexOptimizeConfig } from './schema.ts';

interface State {
  readonly oid: number;
  readonly tableOid: number;
  readonly quoted: string;
  readonly valid: boolean;
  readonly definition: string;
  readonly fileNode: number;
  readonly sizeBytes: number;
  /** Rows by the last count of the index; -1 = never counted. */
  readonly rows: number;
}

async function readState(reader: TargetReader, quoted: string): Promise<State | undefined> {
  const [state] = await reader.query<State>(
    `SELECT c.oid, i.indrelid AS "tableOid", format('%I.%I', n.nspname, c.relname) AS quoted,
  (i.indisvalid AND i.indisready AND i.indislive) AS valid,
  pg_get_indexdef(c.oid) AS definition, pg_relation_filenode(c.oid)::int8::float8 AS "fileNode", pg_relation_size(c.oid)::float8 AS "sizeBytes",
  c.reltuples::float8 AS rows
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE format('%I.%I', n.nspname, c.relname) = $1 AND c.relkind = 'i'`,
    [quoted],
  );
  return state;
}

/** One index: look again, rebuild behind the gate, verify by the catalogue. */
export async function rebuildIndex(step: PlannedStep, run: StepRun<IndexOptimizeConfig>): Promise<StepOutcome> {
  const { schema, name, oid } = step.object;
  const [statement = ''] = step.statements;
  const before = await readState(run.observer, step.key);
  if (before === undefined || schema === null) return { kind: 'skipped', reason: 'index_gone' };
  if (before.oid !== oid) return { kind: 'skipped', reason: 'replaced_since_planned' };
  if (!before.valid) return { kind: 'skipped', reason: 'invalid' };
  const named = await readGuardedIndexes(run.observer, [`${schema}.${name}`]);
  const index = named.find((each) => each.oid === oid);
  if (index === undefined) return { kind: 'skipped', reason: 'index_gone' };
  if (!index.rebuildPermitted) {
    const { rebuildGrant: grant } = index;
    const message = `the role may not rebuild ${step.key}; cure: ${grant ?? 'only a superuser may'}`;
    return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail: { grant } } };
  }
  const statements = await readStatementsBefore(run.observer, before.tableOid, () => earlierStatements(run.memory));
  const work = {
    operation: 'reindex',
    statement,
    tableOid: before.tableOid,
    schema,
    index: name,
    step: step.key,
  } as const;
  const end = await runConcurrently(run, work, run.config);
  if (end.kind !== 'done') return end;
  const after = await readState(run.observer, step.key);
  const wrong = whatIsWrong(before, after);
  if (wrong !== null || after === undefined) {
    const message = `REINDEX of ${step.key} ended with success, but ${wrong}`;
    return { kind: 'failed', error: { code: 'not_verified', message } };
  }
  const waste = step.data['waste_percent'];
  await run.effect({
    action: 'reindex',
    object: step.key,
    objectKind: 'index',
    durationMs: end.durationMs,
    sizeBeforeBytes: before.sizeBytes,
    sizeAfterBytes: after.sizeBytes,
    wasteBeforePercent: typeof waste === 'number' ? waste : null,
    wasteAfterPercent: null,
    detail: {
      table: index.table,
      rows: after.rows,
      fillfactor: step.data['fillfactor'] ?? null,
      threshold_percent: run.config.bloat_threshold,
      ...statements,
    },
  });
  const { sizeBytes: size_before_bytes } = before;
  const { sizeBytes: size_after_bytes } = after;
  const bytes_freed = size_before_bytes - size_after_bytes;
  return {
    kind: 'done',
    result: { size_before_bytes, size_after_bytes, bytes_freed, duration_ms: end.durationMs, gate: end.gate },
  };
}

function whatIsWrong(before: State, after: State | undefined): string | null {
  if (after === undefined) return 'there is no index of this name any more';
  if (!after.valid) return 'the index is not valid';
  if (after.fileNode === before.fileNode) return 'the index is still in its old file';
  return after.definition === before.definition ? null : `its definition is now: ${after.definition}`;
}
