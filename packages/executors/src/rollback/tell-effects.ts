import type { StepRun, TargetReader } from '@slacktide/application/ports';
import type { RollbackConfig } from './schema.ts';
import { rollbackStatement } from './statement-kind.ts';

/** An index that a statement makes or drops. */
export interface IndexWork {
  readonly action: 'create_index' | 'drop_index';
  readonly quoted: string;
  /** Null = it was not there. */
  readonly sizeBeforeBytes: number | null;
  readonly durationMs: number;
}

/** Undefined for a statement that is about no index with a file, and where there is nothing to drop. */
export async function lookBefore(
  statement: string,
  reader: TargetReader,
): Promise<Omit<IndexWork, 'durationMs'> | undefined> {
  const kind = rollbackStatement(statement);
  if (kind.kind === 'create') return { action: 'create_index', quoted: kind.quoted, sizeBeforeBytes: null };
  if (kind.kind !== 'drop' && kind.kind !== 'drop_whole') return undefined;
  const sizeBeforeBytes = await readSize(reader, kind.quoted);
  return sizeBeforeBytes === null ? undefined : { action: 'drop_index', quoted: kind.quoted, sizeBeforeBytes };
}

/** Keeps what was made and dropped, once the catalogue has shown it. */
export async function tellEffects(
  works: readonly IndexWork[],
  pointId: string,
  run: StepRun<RollbackConfig>,
): Promise<void> {
  for (const { action, quoted, sizeBeforeBytes, durationMs } of works) {
    await run.effect({
      action,
      object: quoted,
      objectKind: 'index',
      durationMs,
      sizeBeforeBytes,
      sizeAfterBytes: action === 'drop_index' ? 0 : await readSize(run.observer, quoted),
      wasteBeforePercent: null,
      wasteAfterPercent: null,
      detail: { rollback_point_id: pointId },
    });
  }
}

/** Of a partitioned index all its parts; null = there is none of this name. */
async function readSize(reader: TargetReader, quoted: string): Promise<number | null> {
  const [row] = await reader.query<{ sizeBytes: number }>(
    `SELECT coalesce((SELECT sum(pg_relation_size(part.relid)) FROM pg_partition_tree(c.oid) AS part), pg_relation_size(c.oid))::float8 AS "sizeBytes"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE format('%I.%I', n.nspname, c.relname) = $1`,
    [quoted],
  );
  return row?.sizeBytes ?? null;
}
