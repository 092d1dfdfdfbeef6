import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { type Due, duePartitioned, dueTable } from './due.ts';
import type { StatisticsFacts, TableStatistics } from './facts.ts';
import type { StatisticsUpdateConfig } from './schema.ts';

/** A slow cloud disk, with a processor shared by others: an estimate should rather be too long. */
const readBytesPerSecond = 50 * 1024 * 1024;
/** `ANALYZE ONLY` came with 18; before it a partitioned table is analysed together with its leaves. */
const analyzeOnlySince = 180000;

interface Candidate {
  readonly table: TableStatistics;
  /** Null = named, or one of all, and not found due. */
  readonly due: Due | null;
}

/**
 * Facts → one ANALYZE per table. Named tables: all, in the order named. Else the due ones: never analysed first, then by how
 * far the changes are over the limit, then by name; tables that are locked now come last, lest they use up the run. With
 * scope `all` the others follow, by name, and nothing is left for the next run.
 */
export function planStatistics(facts: StatisticsFacts, config: StatisticsUpdateConfig): Plan {
  const everything = facts.named || config.scope === 'all';
  const due: readonly Candidate[] = facts.named ? [] : findDue(facts, config);
  const candidates = everything ? [...due, ...restOf(facts, due)] : due;
  const covered = facts.named ? new Map<number, string>() : coveredByParent(facts, candidates);
  const open = candidates.filter(({ table }) => !covered.has(table.oid));
  // A named table without the right stays in the plan, to fail: the caller asked for it.
  const permitted = facts.named ? open : open.filter(({ table }) => table.permitted);
  const chosen = everything ? permitted : permitted.slice(0, config.max_tables);
  return {
    steps: chosen.map((candidate) => toStep(candidate, facts)),
    checked: facts.tables.length,
    skipped: [
      ...[...covered].map(([oid, parent]) => ({ object: nameOf(candidates, oid), reason: `covered_by ${parent}` })),
      ...permitted.slice(chosen.length).map(({ table }) => ({ object: table.quoted, reason: 'over_max_tables' })),
    ],
    unknown: open
      .filter(({ table }) => !table.permitted)
      .map(({ table }) => ({ object: table.quoted, reason: 'insufficient_privilege', grant: table.grant })),
  };
}

function findDue(facts: StatisticsFacts, config: StatisticsUpdateConfig): { table: TableStatistics; due: Due }[] {
  const rules = { ...config, threshold: facts.threshold, scaleFactor: facts.scaleFactor };
  const leaves = leavesByAncestor(facts.tables);
  return facts.tables
    .flatMap((table) => {
      const due =
        table.relkind === 'p' ? duePartitioned(table, leaves.get(table.oid) ?? [], rules) : dueTable(table, rules);
      return due === undefined ? [] : [{ table, due }];
    })
    .sort(byUrgency);
}

/** The tables that were not found due: in the order named, or by name. */
function restOf(facts: StatisticsFacts, due: readonly Candidate[]): readonly Candidate[] {
  const found = new Set(due.map(({ table }) => table.oid));
  const rest = facts.tables.filter(({ oid }) => !found.has(oid)).map((table) => ({ table, due: null }));
  return facts.named ? rest : rest.sort((a, b) => (a.table.quoted < b.table.quoted ? -1 : 1));
}

function byUrgency(a: { table: TableStatistics; due: Due }, b: { table: TableStatistics; due: Due }): number {
  const never = ({ due }: { due: Due }): number => (due.reason === 'never_analyzed' ? 1 : 0);
  return (
    Number(a.table.locked) - Number(b.table.locked) ||
    never(b) - never(a) ||
    ratio(b.due) - ratio(a.due) ||
    (a.table.quoted < b.table.quoted ? -1 : 1)
  );
}

/** How many times over the limit. */
function ratio({ modifiedRows, limitRows }: Due): number {
  return modifiedRows / Math.max(limitRows, 1);
}

function leavesByAncestor(tables: readonly TableStatistics[]): Map<number, TableStatistics[]> {
  const leaves = new Map<number, TableStatistics[]>();
  for (const table of tables) {
    if (table.relkind === 'p') continue;
    for (const ancestor of table.ancestors) {
      const known = leaves.get(ancestor);
      if (known === undefined) leaves.set(ancestor, [table]);
      else known.push(table);
    }
  }
  return leaves;
}

/** Partitions whose due parent's ANALYZE includes them, with that parent. */
function coveredByParent(facts: StatisticsFacts, candidates: readonly Candidate[]): Map<number, string> {
  if (facts.serverVersion >= analyzeOnlySince) return new Map();
  const parents = new Map(
    candidates
      .filter(({ table }) => table.relkind === 'p' && table.permitted)
      .map(({ table }) => [table.oid, table.quoted]),
  );
  return new Map(
    candidates.flatMap(({ table }) => {
      const topmost = table.ancestors.findLast((ancestor) => parents.has(ancestor));
      const parent = topmost === undefined ? undefined : parents.get(topmost);
      return parent === undefined ? [] : [[table.oid, parent] as const];
    }),
  );
}

function nameOf(candidates: readonly Candidate[], oid: number): string {
  return candidates.find(({ table }) => table.oid === oid)?.table.quoted ?? String(oid);
}

function toStep({ table, due }: Candidate, facts: StatisticsFacts): PlannedStep {
  const only = !facts.named && table.relkind === 'p' && facts.serverVersion >= analyzeOnlySince;
  return {
    key: table.quoted,
    object: { kind: 'table', oid: table.oid, schema: table.schema, name: table.name },
    statements: [`ANALYZE ${only ? 'ONLY ' : ''}${table.quoted}`],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes: table.sizeBytes,
    expectedSeconds: expectedSeconds(table, facts),
    reversible: false,
    cost: { action: 'analyze', tempDiskBytes: 0, walBytes: 0 },
    data: {
      table_oid: table.oid,
      reason: due?.reason ?? (facts.named ? 'named' : 'all'),
      modified_rows: due?.modifiedRows ?? table.modifiedRows,
      limit_rows: due?.limitRows ?? null,
      live_rows: table.liveRows,
      hours_since_analyze: table.hoursSinceAnalyze,
    },
  };
}

/** What the server has seen, else what must be read: ANALYZE samples, so a large table takes no longer than its sample. */
function expectedSeconds(
  { meanSeconds, sizeBytes }: TableStatistics,
  { sampledBytes }: StatisticsFacts,
): number | null {
  if (meanSeconds !== null) return Math.ceil(meanSeconds);
  return sizeBytes === null ? null : Math.ceil(Math.min(sizeBytes, sampledBytes) / readBytesPerSecond);
}
