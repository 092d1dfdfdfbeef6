import type { ConfigProblem, TargetReader } from '@slacktide/application/ports';
import { resolveIndexes, resolveTables } from '@slacktide/targets';
import type { IndexConsistencyConfig } from './schema.ts';

/** What the configuration names, with the leaves in place of what is partitioned. */
export type NamedRelations =
  | {
      readonly kind: 'named';
      readonly tables: ReadonlySet<number>;
      readonly quotedTables: ReadonlySet<string>;
      readonly indexes: ReadonlySet<number>;
    }
  | { readonly kind: 'refused'; readonly problems: readonly ConfigProblem[] };

const leavesSql = `
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS quoted
FROM unnest($1::oid[]) AS asked (oid) CROSS JOIN LATERAL (
  SELECT t.relid FROM pg_partition_tree(asked.oid) t WHERE t.isleaf UNION SELECT asked.oid) AS tree (oid)
JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'i')`;

export async function resolveNamed(reader: TargetReader, config: IndexConsistencyConfig): Promise<NamedRelations> {
  const resolved = await resolveTables(reader, config.tables, '/tables');
  const answers = await resolveIndexes(reader, config.indexes);
  const problems = answers.flatMap((answer, position): ConfigProblem[] => {
    if (answer.kind === 'found') return [];
    const detail = `Index ${JSON.stringify(config.indexes[position])}: ${answer.detail}.`;
    return [{ pointer: `/indexes/${position}`, code: `${answer.kind}_index`, detail }];
  });
  if (resolved.kind === 'refused') return { kind: 'refused', problems: [...resolved.problems, ...problems] };
  if (problems.length > 0) return { kind: 'refused', problems };
  const found = answers.flatMap((answer) => (answer.kind === 'found' ? [answer.relation.oid] : []));
  const leavesOf = async (oids: readonly number[]) =>
    oids.length === 0 ? [] : await reader.query<{ oid: number; quoted: string }>(leavesSql, [oids]);
  const tables = await leavesOf(resolved.tables.map(({ oid }) => oid));
  const indexes = await leavesOf(found);
  return {
    kind: 'named',
    tables: new Set(tables.map(({ oid }) => oid)),
    quotedTables: new Set(tables.map(({ quoted }) => quoted)),
    indexes: new Set(indexes.map(({ oid }) => oid)),
  };
}
