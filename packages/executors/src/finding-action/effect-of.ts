import { readStatementsBefore } from '@slacktide/acting';
import {
  type EffectAction,
  type PlannedStep,
  type StepRun,
  TargetError,
  type TargetReader,
} from '@slacktide/application/ports';
import { earlierStatements } from '@slacktide/checks';
import type { JsonObject } from '@slacktide/domain';
import { type StatementWork, workOf } from './work-of.ts';

/** What an effect of each kind is called. Attaching an index and ending a session change no object that has a history. */
const actions: Readonly<Partial<Record<StatementWork['kind'], EffectAction>>> = {
  create: 'create_index',
  drop: 'drop_index',
  reindex: 'reindex',
  vacuum: 'vacuum',
  analyze: 'analyze',
  validate: 'validate',
  refresh: 'refresh',
};

/** A table or index as it is now. */
interface Look {
  /** Of a partitioned index all its parts. */
  readonly sizeBytes: number;
  /** Quoted. */
  readonly table: string;
  readonly tableOid: number;
  /** Null = it is a table. */
  readonly definition: string | null;
  readonly fillfactor: number | null;
  readonly rows: number;
}

const lookSql = `
SELECT CASE WHEN i.indexrelid IS NULL THEN pg_table_size(c.oid)
    ELSE coalesce((SELECT sum(pg_relation_size(part.relid)) FROM pg_partition_tree(c.oid) AS part), pg_relation_size(c.oid)) END::float8 AS "sizeBytes",
  format('%I.%I', tn.nspname, t.relname) AS "table", t.oid AS "tableOid", pg_get_indexdef(i.indexrelid) AS definition,
  CASE WHEN m.amname = 'btree' THEN coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 90) END AS fillfactor,
  c.reltuples::float8 AS rows
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_am m ON m.oid = c.relam
JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid) JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE format('%I.%I', n.nspname, c.relname) = $1::text`;

/** How things stood before a statement. */
export interface Before {
  readonly look: Look | undefined;
  readonly statements: Awaited<ReturnType<typeof readStatementsBefore>>;
}

/** Looks before a statement is sent. What cannot be seen is not known later, and keeps nobody from acting. */
export async function lookBefore(statement: string, { observer, memory }: StepRun<unknown>): Promise<Before> {
  const work = workOf(statement);
  const object = objectOf(work);
  if (object === undefined) return { look: undefined, statements: {} };
  const look = await lookAt(observer, object).catch(unlessOver);
  const table = 'table' in work && work.table !== object ? await lookAt(observer, work.table).catch(unlessOver) : look;
  const tableOid = table?.tableOid;
  const isOfIndex = work.kind === 'create' || work.kind === 'drop' || work.kind === 'reindex';
  const statements =
    isOfIndex && tableOid !== undefined
      ? await readStatementsBefore(observer, tableOid, () => earlierStatements(memory))
      : {};
  return { look, statements };
}

/** Keeps what a statement that was done came to. */
export async function tellEffect(
  statement: string,
  { look: before, statements }: Before,
  durationMs: number,
  step: PlannedStep,
  run: StepRun<unknown>,
): Promise<void> {
  const work = workOf(statement);
  const action = actions[work.kind];
  const object = objectOf(work);
  if (action === undefined || object === undefined) return;
  // Told to stop meanwhile: it is done all the same.
  const after = await lookAt(run.observer, object).catch(unknownIfTarget);
  const waste = step.data['waste_percent'];
  await run.effect({
    action,
    object,
    objectKind: 'index' in work ? 'index' : 'table',
    durationMs,
    sizeBeforeBytes: before?.sizeBytes ?? null,
    sizeAfterBytes: work.kind === 'drop' ? 0 : (after?.sizeBytes ?? null),
    wasteBeforePercent: typeof waste === 'number' && (work.kind === 'reindex' || work.kind === 'vacuum') ? waste : null,
    wasteAfterPercent: null,
    detail: { ...detailOf(work, after ?? before), because: step.data['because'] ?? null, ...statements },
  });
}

function objectOf(work: StatementWork): string | undefined {
  if ('index' in work) return work.kind === 'attach' ? undefined : work.index;
  return 'table' in work ? work.table : undefined;
}

function detailOf(work: StatementWork, look: Look | undefined): JsonObject {
  if (look === undefined || !('index' in work)) return {};
  const { table, definition, rows, fillfactor } = look;
  return { table, ...(work.kind === 'drop' ? { definition } : { rows, fillfactor }) };
}

async function lookAt(reader: TargetReader, quoted: string): Promise<Look | undefined> {
  const [look] = await reader.query<Look>(lookSql, [quoted]);
  return look;
}

function unknownIfTarget(error: unknown): undefined {
  if (!(error instanceof TargetError)) throw error;
}

function unlessOver(error: unknown): undefined {
  unknownIfTarget(error);
  if (error instanceof TargetError && ['session_lost', 'cancelled'].includes(error.code)) throw error;
}
