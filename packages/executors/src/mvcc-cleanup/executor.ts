import { lockedOutcome, runOnTable, settle, warningsOf } from '@slacktide/acting';
import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { readVacuumFacts, type VacuumFacts } from './facts.ts';
import { type Holder, holderJson, readHolders, uselessBecauseOf } from './holders.ts';
import { lockAttempts } from './lock-attempts.ts';
import { planVacuum } from './plan.ts';
import { type MvccCleanupConfig, taskType } from './schema.ts';
import { type HeapFacts, readVacuumTable, totalBytes, type VacuumTable } from './vacuum-tables.ts';
import { readVerbose, type VacuumReport } from './verbose.ts';

/** VACUUM, verified: the server ends it with success even when it skipped the table, or could remove nothing. */
export const mvccCleanup: Executor<MvccCleanupConfig, VacuumFacts> = {
  taskType,
  readFacts: readVacuumFacts,
  plan: planVacuum,
  runStep: vacuumTable,
  summarise: (results) => {
    const done = results.flatMap(({ outcome }) => (outcome.kind === 'done' ? [outcome.result] : []));
    const sum = (key: string): number => done.reduce((total, result) => total + Number(result[key] ?? 0), 0);
    return {
      removed_rows: sum('removed_rows'),
      not_removable_rows: sum('dead_rows_after'),
      bytes_freed: sum('bytes_freed'),
    };
  },
};

async function vacuumTable(step: PlannedStep, run: StepRun<MvccCleanupConfig>): Promise<StepOutcome> {
  const [statement] = step.statements;
  const tableOid = step.object.oid;
  if (statement === undefined || tableOid === null) throw new Error(`expected a table and a statement in ${step.key}`);
  const { config, observer } = run;
  const before = await readVacuumTable(observer, tableOid);
  if (before === undefined || before.quoted !== step.key) return { kind: 'skipped', reason: 'table_gone' };
  if (!before.permitted) return notPermitted(step, before.grant);
  const holders = await readHolders(observer, [run.session.identity.pid]);
  const holder = step.data['only_dead_rows'] === true ? uselessBecauseOf(before, holders) : undefined;
  if (holder !== undefined) return xminHeld(before, holder);

  const ran = await runOnTable(run, {
    tableOid,
    statement,
    lock: config.full ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
    ...lockAttempts(config),
  });
  if (ran.kind === 'locked') return lockedOutcome(step, ran);

  const warnings = warningsOf(ran.notices);
  const after = await settle(
    () => readVacuumTable(observer, tableOid),
    (table) => table === undefined || (isDone(before, table, step, config) && toastFollowed(table, step, config)),
    run.signal,
  );
  if (after === undefined) return { kind: 'skipped', reason: 'table_gone' };
  if (!isDone(before, after, step, config)) return notDone(step, warnings);
  const report = readVerbose(ran.notices, before);
  // VACUUM FULL leaves the counters as they were.
  const keptRows = config.full ? before.deadRows - (report?.removedRows ?? before.deadRows) : after.deadRows;
  const kept = keptRows > 0 || (step.data['wraparound'] === true && !gotYounger(before, after));
  const left = kept ? stillThere(holders, await readHolders(observer, [run.session.identity.pid])) : undefined;
  const result = {
    reason: step.data['reason'] ?? null,
    ...figures(before, after, report),
    dead_rows_after: keptRows,
    xmin_holder: left === undefined ? null : holderJson(left),
    duration_ms: Math.round(ran.durationMs),
    warnings,
  };
  await run.effect({
    action: config.full ? 'vacuum_full' : 'vacuum',
    object: step.key,
    objectKind: 'table',
    durationMs: result.duration_ms,
    sizeBeforeBytes: totalBytes(before),
    sizeAfterBytes: totalBytes(after),
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: { reason: result.reason, removed_rows: report?.removedRows ?? null, dead_rows_after: keptRows },
  });
  return { kind: 'done', result };
}

/** What an old snapshot keeps from being frozen keeps its age, however often it is vacuumed. */
function gotYounger(before: VacuumTable, after: VacuumTable): boolean {
  const ages = ({ xidAge, multixactAge, toast }: VacuumTable): number[] => [
    xidAge,
    multixactAge,
    toast?.xidAge ?? 0,
    toast?.multixactAge ?? 0,
  ];
  const then = ages(before);
  return ages(after).some((age, position) => age < (then[position] ?? 0));
}

/** VACUUM FULL is not counted by the server; its proof is the new file. */
function isDone(
  before: VacuumTable,
  after: VacuumTable,
  step: PlannedStep,
  { full, analyze }: MvccCleanupConfig,
): boolean {
  const analyzed = !analyze || (after.lastAnalyze !== null && after.lastAnalyze !== before.lastAnalyze);
  if (full) return analyzed && after.filenode !== before.filenode;
  return analyzed && (step.data['only_toast'] === true ? vacuumed(before.toast, after.toast) : vacuumed(before, after));
}

/** Both, because the counters may be reset while we work: then the count falls, but only our VACUUM sets a new time. */
function vacuumed(before: HeapFacts | null, after: HeapFacts | null): boolean {
  if (after === null || after.lastVacuum === null) return false;
  return before === null || after.lastVacuum !== before.lastVacuum || after.vacuumCount > before.vacuumCount;
}

/** The TOAST table's turn comes after its table's, and so do its figures. */
function toastFollowed(
  { secondsSinceVacuum, toast }: VacuumTable,
  { data }: PlannedStep,
  { full }: MvccCleanupConfig,
): boolean {
  return (
    full ||
    data['only_toast'] === true ||
    toast === null ||
    (toast.secondsSinceVacuum ?? Number.POSITIVE_INFINITY) <= (secondsSinceVacuum ?? 0)
  );
}

function figures(before: VacuumTable, after: VacuumTable, report: VacuumReport | undefined): JsonObject {
  const sizes = [totalBytes(before), totalBytes(after)] as const;
  return {
    dead_rows_before: before.deadRows,
    toast_dead_rows_before: before.toast?.deadRows ?? 0,
    toast_dead_rows_after: after.toast?.deadRows ?? 0,
    removed_rows: report?.removedRows ?? null,
    index_scans: report?.indexScans ?? null,
    size_before_bytes: sizes[0],
    size_after_bytes: sizes[1],
    bytes_freed: sizes[0] === null || sizes[1] === null ? null : sizes[0] - sizes[1],
    xid_age_before: before.xidAge,
    xid_age_after: after.xidAge,
    multixact_age_before: before.multixactAge,
    multixact_age_after: after.multixactAge,
  };
}

/** The oldest of those that held rows when the VACUUM began and still do: later ones are not why rows were kept. */
function stillThere(before: readonly Holder[], after: readonly Holder[]): Holder | undefined {
  return before.find((one) =>
    after.some(
      ({ kind, name, pid, xmin }) => kind === one.kind && name === one.name && pid === one.pid && xmin === one.xmin,
    ),
  );
}

function xminHeld(table: VacuumTable, holder: Holder): StepOutcome {
  return {
    kind: 'skipped',
    reason: 'xmin_held',
    result: { dead_rows: table.deadRows, toast_dead_rows: table.toast?.deadRows ?? 0, xmin_holder: holderJson(holder) },
  };
}

function notPermitted(step: PlannedStep, grant: string | null): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not vacuum ${step.key}; cure: ${grant}`,
      detail: { grant },
    },
  };
}

function notDone(step: PlannedStep, warnings: readonly string[]): StepOutcome {
  const said = warnings.length === 0 ? 'it said nothing' : `it said: ${warnings.join('; ')}`;
  return {
    kind: 'failed',
    error: {
      code: 'not_verified',
      message: `VACUUM of ${step.key} ended with success, but the catalogue shows no change; ${said}`,
      detail: { warnings: [...warnings] },
    },
  };
}
