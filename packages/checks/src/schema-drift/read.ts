import type { TargetReader } from '@slacktide/application/ports';
import type { ObjectName, SchemaFacts, SchemaObject } from './facts.ts';
import { batchSize, routinesSql, viewsSql } from './read-code.ts';
import { constraintsSql, indexesSql, policiesSql, schemasSql, tablesSql, triggersSql } from './read-tables.ts';
import { sequencesSql, typesSql } from './read-types.ts';
import type { SchemaDriftConfig } from './schema.ts';

interface IndexRow extends SchemaObject {
  readonly valid: boolean;
  readonly leftoverName: boolean;
}

const hereSql = `
SELECT current_database()::text AS database, ARRAY(SELECT DISTINCT l.relation FROM pg_locks l
  WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS locked`;

/** Everything that users made, by name. Of relations somebody has, or wants, for himself only the names are read. */
export async function readSchema(reader: TargetReader, config: SchemaDriftConfig): Promise<SchemaFacts> {
  const [here] = await reader.query<{ database: string; locked: number[] }>(hereSql);
  if (here === undefined) throw new Error('expected one row of the current database');
  const { database, locked } = here;
  const objects: SchemaObject[] = [];
  for (const sql of [schemasSql, typesSql, sequencesSql]) objects.push(...(await reader.query<SchemaObject>(sql)));
  for (const sql of [tablesSql, constraintsSql, policiesSql, triggersSql]) {
    objects.push(...(await reader.query<SchemaObject>(sql, [locked, config.ignore_partitions])));
  }
  const indexes = await reader.query<IndexRow>(indexesSql, [locked, config.ignore_partitions]);
  objects.push(...indexes.filter(({ valid }) => valid).map(({ valid, leftoverName, ...index }) => index));
  for (const sql of [viewsSql, routinesSql]) objects.push(...(await readInBatches(reader, sql, locked)));
  const ignored = new Set(config.ignore_schemas);
  const counts = ({ kind, schema, name }: ObjectName): boolean =>
    !ignored.has(kind === 'schema' ? name : (schema ?? ''));
  return {
    database,
    majorVersion: Math.trunc(reader.serverVersion / 10_000),
    objects: objects.filter(counts),
    invalidIndexes: indexes
      .filter(({ valid, leftoverName }) => !valid && !leftoverName)
      .map(({ kind, schema, within, name }) => ({ kind, schema, within, name }))
      .filter(counts),
  };
}

async function readInBatches(reader: TargetReader, sql: string, locked: readonly number[]): Promise<SchemaObject[]> {
  const objects: SchemaObject[] = [];
  let after = 0;
  for (;;) {
    const rows = await reader.query<SchemaObject & { oid: number }>(sql, [locked, after]);
    objects.push(...rows.map(({ oid, ...object }) => object));
    const last = rows.at(-1);
    if (last === undefined || rows.length < batchSize) return objects;
    after = last.oid;
  }
}
