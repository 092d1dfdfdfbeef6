import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { type Due, dueFor, dueReasons, isOnlyToastDue } from './due.ts';
import type { VacuumFacts } from './facts.ts';
import { type Holder, holderJson, uselessBecauseOf } from './holders.ts';
import { otherDatabases } from './other-databases.ts';
import type { MvccCleanupConfig } from './schema.ts';
import { leavesMainOut, vacuumStatement } from './statement.ts';
import { totalBytes, type VacuumTable } from './vacuum-tables.ts';

/** A slow cloud disk, with others at work: an estimate should rather be too long. */
const bytesPerSecond = 50 * 1024 * 1024;
/** VACUUM FULL reads everything, writes it anew and builds every index. */
const fullPasses = 3;

interface Candidate {
  readonly table: VacuumTable;
  readonly due: readonly Due[];
  /** It keeps all dead rows of the table from being removed. */
  readonly holder: Holder | undefined;
}

/**
 * Facts → one VACUUM per table. Named tables: all. Else the due ones: wraparound first, then by how far over the limit, then
 * by name; tables that are locked or whose dead rows are held come last, lest they use up the run. With scope `all` every
 * table, and nothing is left for the next run.
 */
export function planVacuum(facts: VacuumFacts, config: MvccCleanupConfig): Plan {
  const everything = facts.named || config.scope === 'all';
  const candidates = facts.tables
    .map((table) => toCandidate(table, facts, config))
    .filter(({ due }) => everything || due.length > 0);
  // A named table without the right stays in the plan, to fail: the caller asked for it.
  const permitted = facts.named
    ? candidates
    : candidates.filter(({ table }) => table.permitted).sort((a, b) => byUrgency(a, b));
  const chosen = everything ? permitted : permitted.slice(0, config.max_tables);
  const others = facts.named ? { skipped: [], unknown: [] } : otherDatabases(facts);
  return {
    steps: chosen.map((candidate) => toStep(candidate, facts, config)),
    checked: facts.tables.length,
    skipped: [
      ...permitted.slice(chosen.length).map(({ table }) => ({ object: table.quoted, reason: 'over_max_tables' })),
      ...others.skipped,
    ],
    unknown: [
      ...candidates
        .filter(({ table }) => !table.permitted)
        .map(({ table }) => ({ object: table.quoted, reason: 'insufficient_privilege', grant: table.grant })),
      ...others.unknown,
    ],
  };
}

function toCandidate(table: VacuumTable, facts: VacuumFacts, config: MvccCleanupConfig): Candidate {
  const due = dueFor(table, facts.settings, config);
  const holder = removesOnlyDeadRows(due, config) ? uselessBecauseOf(table, facts.holders) : undefined;
  return { table, due, holder };
}

/** Whether removing dead rows is all a VACUUM of this table is for, so that held rows make it useless. */
function removesOnlyDeadRows(due: readonly Due[], config: MvccCleanupConfig): boolean {
  if (config.full || config.freeze || config.analyze || !config.skip_when_xmin_held) return false;
  return due.every(({ reason }) => reason === 'dead_rows');
}

function byUrgency(a: Candidate, b: Candidate): number {
  const last = ({ table, holder }: Candidate): number => Number(table.locked || holder !== undefined);
  const wraparound = ({ due }: Candidate): number => {
    const rank = dueReasons.indexOf(due[0]?.reason ?? 'inserted_rows'); // one that is not due comes with the rest
    return Math.min(rank, dueReasons.indexOf('dead_rows'));
  };
  const ratio = ({ due }: Candidate): number => Math.max(0, ...due.map((reason) => reason.ratio));
  return (
    last(a) - last(b) ||
    wraparound(a) - wraparound(b) ||
    ratio(b) - ratio(a) ||
    (a.table.quoted < b.table.quoted ? -1 : 1)
  );
}

function toStep({ table, due, holder }: Candidate, facts: VacuumFacts, config: MvccCleanupConfig): PlannedStep {
  const wraparound = due.some(({ reason }) => reason.startsWith('wraparound'));
  const everything = facts.named || config.scope === 'all';
  const onlyToast = !everything && isOnlyToastDue(table, facts.settings, config);
  const options = { ...config, wraparound, onlyToast, serverVersion: facts.serverVersion };
  const bytes = totalBytes(table);
  return {
    key: table.quoted,
    object: { kind: 'table', oid: table.oid, schema: table.schema, name: table.name },
    statements: [vacuumStatement(table.quoted, options)],
    lockMode: config.full ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
    sizeBytes: bytes,
    expectedSeconds: expectedSeconds(table, config),
    reversible: false,
    cost: config.full
      ? { action: 'vacuum_full', tempDiskBytes: bytes, walBytes: bytes }
      : { action: 'vacuum', tempDiskBytes: 0, walBytes: null },
    data: {
      table_oid: table.oid,
      reason: facts.named ? 'named' : (due[0]?.reason ?? 'all'),
      due: due.map(({ reason }) => reason),
      dead_rows: table.deadRows,
      live_rows: table.liveRows,
      toast_dead_rows: table.toast?.deadRows ?? 0,
      xid_age: table.xidAge,
      multixact_age: table.multixactAge,
      toast_xid_age: table.toast?.xidAge ?? null,
      toast_multixact_age: table.toast?.multixactAge ?? null,
      wraparound,
      only_toast: leavesMainOut(options),
      only_dead_rows: removesOnlyDeadRows(due, config),
      xmin_holder: holder === undefined ? null : holderJson(holder),
    },
  };
}

/** What the server has seen, else a pass over all bytes. The mean says nothing of VACUUM FULL, which it does not count. */
function expectedSeconds(table: VacuumTable, { full }: MvccCleanupConfig): number | null {
  if (table.meanSeconds !== null && !full) return Math.ceil(table.meanSeconds);
  const bytes = totalBytes(table);
  return bytes === null ? null : Math.ceil((bytes * (full ? fullPasses : 1)) / bytesPerSecond);
}
