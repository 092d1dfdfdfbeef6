import { buildsCorruptIndexes } from '@slacktide/acting';
import type { ConfigProblem, FactsResult, TargetReader } from '@slacktide/application/ports';
import { type IndexDefinition, readIndexDefinitions } from '@slacktide/checks';
import { resolveTables } from '@slacktide/targets';
import { type IndexShapeFacts, readColumns } from './columns.ts';
import { type Existing, judgeExisting, madeRedundant } from './existing.ts';
import { methodProblems, readMethodTraits } from './method-traits.ts';
import type { IndexCreateConfig } from './schema.ts';
import { type NamedRelation, readNamed, readTreeTables, type TreeTable } from './tables.ts';

export interface IndexCreateFacts {
  /** The named table first, parents before their partitions. */
  readonly tables: readonly TreeTable[];
  readonly shape: IndexShapeFacts;
  readonly named: NamedRelation | null;
  /** Of all these tables. */
  readonly indexes: readonly IndexDefinition[];
  readonly existing: Exclude<Existing, { kind: 'refused' }>;
  /** `schema.name` of indexes that the new one would make redundant. */
  readonly madeRedundant: readonly string[];
  readonly unsafeServer: boolean;
}

/** Looks everything up that the configuration names, and what is there already. */
export async function readIndexCreateFacts(
  reader: TargetReader,
  config: IndexCreateConfig,
): Promise<FactsResult<IndexCreateFacts>> {
  const missing = requiredKeys(config);
  if (missing.length > 0) return { kind: 'refused', problems: missing };
  const [server] = await reader.query<{ recovering: boolean }>('SELECT pg_is_in_recovery() AS recovering');
  if (server?.recovering === true)
    return refuse('', 'in_recovery', 'The server is a standby; indexes are made on its primary.');
  const resolved = await resolveTables(reader, [config.table], '/table');
  if (resolved.kind === 'refused') {
    return { kind: 'refused', problems: resolved.problems.map((problem) => ({ ...problem, pointer: '/table' })) };
  }
  const [table] = resolved.tables;
  if (table === undefined) throw new Error('expected one table for one name');
  const impossible = methodProblems(config, await readMethodTraits(reader, config.method));
  const columns = await readColumns(reader, table.oid, config);
  const problems = [...impossible, ...('problems' in columns ? columns.problems : [])];
  if (problems.length > 0 || 'problems' in columns) return { kind: 'refused', problems };
  return await readTree(reader, table.oid, columns.shape, config);
}

function requiredKeys({ table, columns }: IndexCreateConfig): ConfigProblem[] {
  return [
    ...(table === '' ? [{ pointer: '/table', code: 'required', detail: 'Say which table gets the index.' }] : []),
    ...(columns.length === 0
      ? [{ pointer: '/columns', code: 'required', detail: 'Say which columns the index is on.' }]
      : []),
  ];
}

async function readTree(
  reader: TargetReader,
  tableOid: number,
  shape: IndexShapeFacts,
  config: IndexCreateConfig,
): Promise<FactsResult<IndexCreateFacts>> {
  const columns = [...shape.keys.map(({ name }) => name), ...shape.include];
  const asked = [...new Set([...columns, ...config.where_not_null])];
  const tables = await readTreeTables(reader, tableOid, { columns, asked });
  const [table] = tables;
  if (table === undefined) return refuse('/table', 'unknown_table', 'The table was dropped while it was looked at.');
  const named = config.name === null ? null : await readNamed(reader, tableOid, config.name);
  const indexes = await readIndexDefinitions(
    reader,
    tables.map(({ oid }) => oid),
  );
  const problem = treeProblem(tables, config);
  if (problem !== null) return { kind: 'refused', problems: [problem] };
  const known = { table, indexes, shape, named };
  const existing = judgeExisting(known, config);
  if (existing.kind === 'refused') return { kind: 'refused', problems: [existing.problem] };
  const facts = {
    tables,
    shape,
    named,
    indexes,
    existing,
    madeRedundant: madeRedundant(known, config),
    unsafeServer: buildsCorruptIndexes(reader.serverVersion),
  };
  return { kind: 'facts', facts };
}

/** What the server would refuse amid the work. */
function treeProblem(tables: readonly TreeTable[], { name, unique, columns }: IndexCreateConfig): ConfigProblem | null {
  const foreign = tables.find(({ relkind }) => relkind === 'f');
  if (foreign !== undefined) {
    const detail = `${foreign.quoted} is a foreign table, which cannot have an index: it would never be complete.`;
    return { pointer: '/table', code: 'foreign_partition', detail };
  }
  const key = new Set(columns.map((column) => column.name));
  const incomplete = tables.find(
    ({ relkind, partitionKey }) => relkind === 'p' && !(partitionKey?.every((column) => key.has(column)) ?? false),
  );
  if (unique && incomplete !== undefined) {
    const by = incomplete.partitionKey === null ? 'expressions' : incomplete.partitionKey.join(', ');
    const detail = `${incomplete.quoted} is partitioned by ${by}: a unique index must have that in its key.`;
    return { pointer: '/unique', code: 'lacks_partition_key', detail };
  }
  const clash = tables.slice(1).find(({ schema, freeName }) => freeName === name && schema === tables[0]?.schema);
  if (clash === undefined) return null;
  return { pointer: '/name', code: 'name_taken', detail: `The index of ${clash.quoted} is to have this name.` };
}

function refuse(pointer: string, code: string, detail: string): FactsResult<IndexCreateFacts> {
  return { kind: 'refused', problems: [{ pointer, code, detail }] };
}
