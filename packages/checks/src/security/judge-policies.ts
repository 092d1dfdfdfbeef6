import type { FoundFinding } from '@slacktide/domain';
import { isAlwaysTrue } from './always-true.ts';
import { type PolicyFacts, publicOid, type RlsTable } from './facts.ts';
import { advice, dotted, listed, type Part, part } from './part.ts';
import type { RoleGraph } from './role-graph.ts';
import type { SecurityConfig } from './schema.ts';

const writes = ['insert', 'update', 'delete'] as const;
type Write = (typeof writes)[number];

/** Tables with policies or row level security, and their policies. */
export function judgePolicies(
  tables: readonly RlsTable[],
  policies: readonly PolicyFacts[],
  graph: RoleGraph,
  config: SecurityConfig,
): Part {
  const ignored = new Set(config.ignore_schemas);
  const byTable = Map.groupBy(policies, ({ table }) => table);
  const of = (table: RlsTable): readonly PolicyFacts[] => byTable.get(table.oid) ?? [];
  const judged = tables.filter(({ schema }) => !ignored.has(schema));
  const locked = judged.filter((table) => table.locked && of(table).length > 0);
  return part({
    checked: judged.length - locked.length,
    findings: judged.flatMap((table) => [
      ...tableFindings(table, of(table)),
      ...(table.enabled && !table.locked ? openPolicies(table, of(table), graph) : []),
    ]),
    unknown: locked.map(({ schema, name }) => ({ object: `${schema}.${name}`, reason: 'locked', grant: null })),
    unjudged: locked.flatMap((table) => of(table).map(({ name }) => `${table.schema}.${name}`)),
  });
}

function tableFindings(table: RlsTable, policies: readonly PolicyFacts[]): FoundFinding[] {
  const { schema, name, enabled, partition } = table;
  const object = { kind: 'table', schema, name, table: null };
  const names = policies.map((policy) => policy.name);
  if (!enabled) {
    return [
      advice({
        fingerprint: `table:${dotted(schema, name)}:rls_disabled`,
        severity: 'warning',
        object,
        summary: `Table ${schema}.${name} has ${names.length} policies (${listed(names)}) that count for nothing, for row level security is off`,
        evidence: { risk: 'policies_without_rls', policies: names },
        because: 'turning row level security on changes what applications see',
      }),
    ];
  }
  // Whoever asks a partitioned table is judged by its policies; a partition without any is closed to direct access, as it should be.
  if (policies.length > 0 || partition) return [];
  return [
    advice({
      fingerprint: `table:${dotted(schema, name)}:rls_without_policy`,
      severity: 'info',
      object,
      summary: `Table ${schema}.${name} has row level security and no policy: nobody but its owner and who bypasses it sees a row`,
      evidence: { risk: 'rls_without_policy', forced: table.forced },
      because: 'which rows are whose is not in the catalogue',
    }),
  ];
}

function openPolicies(table: RlsTable, policies: readonly PolicyFacts[], graph: RoleGraph): FoundFinding[] {
  return policies.flatMap((policy): FoundFinding[] => {
    const open = policy.permissive
      ? openWrites(policy).filter((write) => !isRestricted(write, policy, policies, graph))
      : [];
    if (open.length === 0) return [];
    const roles = policy.roles.map(graph.name);
    return [
      advice({
        fingerprint: `policy:${dotted(table.schema, table.name, policy.name)}:always_true`,
        // To let one role at every row is what such a policy may be for.
        severity: policy.roles.includes(publicOid) ? 'warning' : 'info',
        object: { kind: 'policy', schema: table.schema, name: policy.name, table: table.name },
        summary: `Policy ${policy.name} lets ${listed(roles)} ${listed(open)} any row of ${table.schema}.${table.name}: its condition is always true, and no restrictive policy narrows it`,
        evidence: {
          risk: 'always_true_write_policy',
          commands: open,
          roles,
          using: policy.using,
          with_check: policy.check,
        },
        because: 'what the condition should be is not in the catalogue',
      }),
    ];
  });
}

/** Commands for which the policy has a condition that lets any row through. */
function openWrites({ command, using, check }: PolicyFacts): Write[] {
  return writes.filter((write) => {
    if (command !== 'all' && command !== write) return false;
    if (write === 'insert') return isAlwaysTrue(check ?? using);
    // Without USING no row can be reached at all.
    if (using === null) return false;
    return isAlwaysTrue(using) || (write === 'update' && isAlwaysTrue(check));
  });
}

/** Whether a restrictive policy that means something narrows `write` for everybody the policy is for. */
function isRestricted(write: Write, policy: PolicyFacts, policies: readonly PolicyFacts[], graph: RoleGraph): boolean {
  return policies.some((other) => {
    if (other.permissive || (other.command !== 'all' && other.command !== write)) return false;
    const condition = write === 'insert' ? (other.check ?? other.using) : other.using;
    if (condition === null || isAlwaysTrue(condition)) return false;
    return policy.roles.every((role) => appliesTo(role, other, graph));
  });
}

function appliesTo(role: number, { roles }: PolicyFacts, graph: RoleGraph): boolean {
  return roles.includes(publicOid) || roles.includes(role) || roles.some((oid) => graph.reached(role).has(oid));
}
