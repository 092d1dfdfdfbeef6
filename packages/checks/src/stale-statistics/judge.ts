import {
  type CheckReport,
  type FindingAction,
  type FoundFinding,
  objectKey,
  type SkippedObject,
  type UnknownObject,
} from '@slacktide/domain';
import { type Due, type Judgement, judgeParent, judgeTable } from './due.ts';
import type { StatisticsFacts, TableFacts } from './read.ts';
import type { StaleStatisticsConfig } from './schema.ts';

/** `ANALYZE ONLY` came with 18; before it a partitioned table is analysed together with its leaves, an inheritance parent without. */
const analyzeOnlySince = 180000;
/** Names in one piece of evidence. */
const longestList = 20;
/** Objects left out that are named one by one: a database may hold thousands of small tables. */
const longestSkipped = 200;

interface Candidate {
  readonly table: TableFacts;
  readonly due: Due;
  /** Partitions that are due as well: the ANALYZE of this one, the topmost, is for them all. */
  readonly partitions: readonly TableFacts[];
}

export function judgeStaleStatistics(facts: StatisticsFacts, config: StaleStatisticsConfig): CheckReport {
  const base = { check: 'stale_statistics' as const, checked: 0, skipped: [], unknown: [], findings: [], unjudged: [] };
  const figures = { stale_tables_found: 0, tables_analyzed: 0, success: true };
  if (!facts.tracksCounts) {
    const reason = 'track_counts is off: nobody counts the changes of tables';
    const unknown = [{ object: 'counters', reason, grant: null }];
    return { ...base, unknown, unjudged: 'all', figures: { ...figures, success: false } };
  }
  const judged = judgeTables(facts, config);
  const { candidates, covered } = gatherPartitions(judged);
  const skipped: SkippedObject[] = [...covered];
  const unknown: UnknownObject[] = [];
  for (const [table, judgement] of judged) {
    if (judgement.kind === 'left_out') skipped.push({ object: objectKey(table), reason: judgement.reason });
    if (judgement.kind === 'unknown') {
      unknown.push({ object: objectKey(table), reason: judgement.reason, grant: judgement.grant });
    }
  }
  const leftOut = skipped.length - covered.length;
  return {
    ...base,
    checked: judged.size - leftOut - unknown.length,
    skipped: shortened(skipped),
    unknown,
    findings: candidates.sort(byUrgency).map((candidate, index) => toFinding(candidate, index + 1, facts, config)),
    figures: {
      ...figures,
      stale_tables_found: candidates.length,
      never_analyzed: candidates.filter(({ due }) => due.reason === 'never_analyzed').length,
      tables_in_this_run: Math.min(candidates.length, config.max_tables),
    },
  };
}

function judgeTables(facts: StatisticsFacts, config: StaleStatisticsConfig): Map<TableFacts, Judgement> {
  const { threshold, scaleFactor, inRecovery } = facts;
  const rules = { ...config, threshold, scaleFactor, inRecovery };
  const below = new Map<number, TableFacts[]>();
  for (const table of facts.tables) {
    if (table.relkind === 'p') continue;
    for (const ancestor of table.ancestors) {
      const known = below.get(ancestor);
      if (known === undefined) below.set(ancestor, [table]);
      else known.push(table);
    }
  }
  return new Map(
    facts.tables.map((table) => {
      const children = below.get(table.oid);
      const isParent = table.relkind === 'p' || children !== undefined;
      return [table, isParent ? judgeParent(table, children ?? [], rules) : judgeTable(table, rules)];
    }),
  );
}

/** What is due, partitions of a partitioned table that is due itself counted as part of the topmost such. */
function gatherPartitions(judged: ReadonlyMap<TableFacts, Judgement>): {
  candidates: Candidate[];
  covered: SkippedObject[];
} {
  const due = new Map<number, { table: TableFacts; due: Due; partitions: TableFacts[] }>();
  for (const [table, judgement] of judged) {
    if (judgement.kind === 'due') due.set(table.oid, { table, due: judgement.due, partitions: [] });
  }
  const covered: SkippedObject[] = [];
  for (const { table } of due.values()) {
    const topmost = table.ancestors.findLast((ancestor) => due.get(ancestor)?.table.relkind === 'p');
    const parent = topmost === undefined ? undefined : due.get(topmost);
    if (parent === undefined) continue;
    parent.partitions.push(table);
    covered.push({ object: objectKey(table), reason: `counted with ${objectKey(parent.table)}` });
  }
  const gathered = new Set([...due.values()].flatMap(({ partitions }) => partitions));
  return { candidates: [...due.values()].filter(({ table }) => !gathered.has(table)), covered };
}

function byUrgency(a: Candidate, b: Candidate): number {
  const never = ({ due }: Candidate): number => (due.reason === 'never_analyzed' ? 1 : 0);
  return never(b) - never(a) || ratio(b.due) - ratio(a.due) || (a.table.quoted < b.table.quoted ? -1 : 1);
}

/** How many times over the limit. */
function ratio({ modifiedRows, limitRows }: Due): number {
  return modifiedRows / Math.max(limitRows, 1);
}

function toFinding(
  { table, due, partitions }: Candidate,
  rank: number,
  facts: StatisticsFacts,
  config: StaleStatisticsConfig,
): FoundFinding {
  const kind = table.relkind === 'm' ? 'materialized_view' : 'table';
  const alone = due.isParent && partitions.length === 0;
  const obstacle = obstacleOf(table, facts);
  return {
    fingerprint: `${kind}:${objectKey(table)}`,
    severity: due.reason === 'stale' ? 'info' : 'warning',
    object: { kind, schema: table.schema, name: table.name, table: null },
    summary: describe(table, due, partitions.length),
    evidence: {
      reason: due.reason,
      rows: due.rows,
      modified_rows: due.modifiedRows,
      limit_rows: Math.round(due.limitRows),
      ratio: Math.round(100 * ratio(due)) / 100,
      size_bytes: due.sizeBytes,
      hours_since_analyze: table.hoursSinceAnalyze === null ? null : Math.round(table.hoursSinceAnalyze * 10) / 10,
      partitioned: table.relkind === 'p',
      autovacuum: autovacuumOf(table, facts),
      due_partitions: partitions.length,
      due_partition_names: partitions.slice(0, longestList).map(objectKey),
      rank,
      in_this_run: rank <= config.max_tables,
      ...(obstacle === null ? {} : { no_action_because: obstacle }),
    },
    action: obstacle === null ? toAction(table, alone, facts.serverVersion) : null,
  };
}

/** Why nothing is proposed; null = nothing stands against it. */
function obstacleOf({ hasForeign }: TableFacts, { inRecovery }: StatisticsFacts): string | null {
  if (inRecovery) return 'a standby cannot ANALYZE: run it on the primary';
  if (hasForeign) {
    return 'a foreign table is among its partitions or children: ANALYZE would log in to its server and sample it there';
  }
  return null;
}

function toAction(table: TableFacts, alone: boolean, serverVersion: number): FindingAction {
  return {
    sql: [`ANALYZE ${alone && serverVersion >= analyzeOnlySince ? 'ONLY ' : ''}${table.quoted}`],
    rollbackSql: [],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    class: 'idempotent',
  };
}

function autovacuumOf(table: TableFacts, facts: StatisticsFacts): string {
  if (table.relkind === 'p') return 'never analyses a partitioned table';
  if (!facts.autovacuum) return 'off';
  return table.autovacuumOff ? 'off for this table' : 'on';
}

function describe(table: TableFacts, { reason, rows, modifiedRows, limitRows }: Due, partitions: number): string {
  const object = `${table.relkind === 'p' ? 'Partitioned table ' : ''}${objectKey(table)}`;
  const also = partitions === 0 ? '' : `; so are ${partitions} of its partitions`;
  const age = table.hoursSinceAnalyze === null ? '' : `, ${Math.round(table.hoursSinceAnalyze)} hours ago`;
  switch (reason) {
    case 'never_analyzed':
      return `${object} with ${rows > 0 ? `${rows} rows` : 'an unknown number of rows'} was never analysed${also}`;
    case 'changed':
      return `${modifiedRows} rows of ${object} changed since its latest ANALYZE${age}; its limit is ${Math.round(limitRows)}${also}`;
    case 'stale':
      return `${modifiedRows} rows of ${object} changed since its latest ANALYZE${age}, below its limit of ${Math.round(limitRows)}${also}`;
  }
}

function shortened(skipped: readonly SkippedObject[]): readonly SkippedObject[] {
  if (skipped.length <= longestSkipped) return skipped;
  const rest = skipped.length - longestSkipped;
  return [...skipped.slice(0, longestSkipped), { object: `${rest} more tables`, reason: 'left out by the same rules' }];
}
