import type { FoundFinding } from '@slacktide/domain';
import type { RlsTable, ViewFacts } from './facts.ts';
import { strangers } from './open-path.ts';
import { advice, dotted, listed, type Part, part } from './part.ts';
import type { RoleGraph } from './role-graph.ts';
import type { SecurityConfig } from './schema.ts';

/** Views may be told to read as whoever asks. */
const securityInvokerSince = 15;

/** Views through which row level security of their tables does not hold. */
export function judgeViews(
  views: readonly ViewFacts[],
  tables: readonly RlsTable[],
  graph: RoleGraph,
  config: SecurityConfig,
  majorVersion: number,
): Part {
  const ignored = new Set(config.ignore_schemas);
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const judged = views.filter(({ schema }) => !ignored.has(schema));
  return part({
    checked: judged.length,
    findings: judged.flatMap((view): FoundFinding[] => {
      const bypassed = view.reads.flatMap(({ table: oid, as }) => {
        const table = byOid.get(oid);
        return table !== undefined && bypasses(as, table, graph)
          ? [{ table: `${table.schema}.${table.name}`, as: graph.name(as) }]
          : [];
      });
      return bypassed.length === 0 ? [] : [bypassingView(view, bypassed, graph, majorVersion)];
    }),
  });
}

/** By the rules of check_enable_rls(). */
function bypasses(reader: number, table: RlsTable, graph: RoleGraph): boolean {
  const role = graph.role(reader);
  if (role === undefined) return false;
  if (role.superuser || role.bypassesRls) return true;
  return !table.forced && (reader === table.owner || graph.reached(reader).has(table.owner));
}

function bypassingView(
  view: ViewFacts,
  bypassed: readonly { readonly table: string; readonly as: string }[],
  graph: RoleGraph,
  majorVersion: number,
): FoundFinding {
  const { schema, name, materialized } = view;
  const kind = materialized ? 'materialized view' : 'view';
  const tables = [...new Set(bypassed.map(({ table }) => table))];
  const readers = strangers(view.readers, view.owner, graph);
  return advice({
    fingerprint: `view:${dotted(schema, name)}:bypasses_rls`,
    severity: materialized || readers.length === 0 ? 'info' : 'warning',
    object: { kind: 'view', schema, name, table: null },
    summary: `${kind === 'view' ? 'View' : 'Materialized view'} ${schema}.${name} reads ${listed(tables)} as ${listed([...new Set(bypassed.map(({ as }) => as))])}, past row level security, for ${readers.length === 0 ? 'nobody but its owner so far' : listed(readers)}`,
    evidence: {
      risk: 'view_bypasses_rls',
      materialized,
      owner: graph.name(view.owner),
      tables,
      reads_as: [...new Set(bypassed.map(({ as }) => as))],
      readers,
    },
    because: because(materialized, majorVersion),
  });
}

function because(materialized: boolean, majorVersion: number): string {
  if (materialized) return 'a materialized view keeps what its owner saw; there is no row level security on it';
  if (majorVersion < securityInvokerSince)
    return 'security_invoker came with PostgreSQL 15; before it, only another owner helps';
  return 'with security_invoker its readers need rights on the tables, and see other rows than before';
}
