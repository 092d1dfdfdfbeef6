import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { readXminHolders } from '@slacktide/targets';
import { rewriteByFull } from './full-stage.ts';
import { rewriteByRepack } from './repack-stage.ts';
import type { StorageCompactionConfig } from './schema.ts';
import type { Stage, StageEnd } from './stage.ts';
import { readCompactTable, totalBytes } from './tables.ts';
import { vacuumTail } from './vacuum-stage.ts';
import { isOver, measureWaste, type TableWaste, wastePercent } from './waste.ts';

type Run = StepRun<StorageCompactionConfig>;

/** One table: look again, VACUUM, measure, rewrite where that was not enough; every stage is verified by the catalogue. */
export async function compactTable(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const oid = step.object.oid;
  if (oid === null) throw new Error(`expected a table in ${step.key}`);
  const before = await readCompactTable(run.observer, oid);
  if (before === undefined || before.quoted !== step.key) return { kind: 'skipped', reason: 'table_gone' };
  if (!before.permitted) return notPermitted(step, before.grant);
  const start: Stage = { table: before, waste: await measureWaste(run, before) };
  const done: StageEnd[] = [];
  const { vacuum, rewrite } = step.data;
  let at = start;
  if (typeof vacuum === 'string') {
    const end = await vacuumTail(step, run, at, vacuum);
    if (end.kind === 'ended') return end.outcome;
    done.push(end);
    at = end.after;
  }
  const kept = await whyNotRewritten(step, run, at);
  if (kept !== null) return finish(start, at, done, kept);
  if (done.length > 0 && (await run.breathe()) === 'overloaded') {
    return { kind: 'skipped', reason: 'load', result: figures(start, at, done) };
  }
  const end = await (rewrite === 'pg_repack' ? rewriteByRepack : rewriteByFull)(step, run, at);
  if (end.kind === 'ended') return withFigures(end.outcome, figures(start, at, done));
  return finish(start, end.after, [...done, end], null);
}

/** Null = it is to be rewritten now. */
async function whyNotRewritten(step: PlannedStep, run: Run, { waste }: Stage): Promise<string | null> {
  const { rewrite, no_rewrite_because, rewrite_only_over_percent } = step.data;
  if (rewrite == null) return String(no_rewrite_because);
  if (typeof rewrite_only_over_percent === 'number') {
    if (waste.heap === null && waste.toast === null) return 'waste_not_measured';
    if (!isOver(waste, rewrite_only_over_percent)) return 'not_needed';
  }
  return await whoKeepsDeadRows(run, waste, typeof step.data['vacuum'] === 'string');
}

/**
 * A rewrite copies the rows that somebody may still want to see, as a VACUUM leaves them: those that outlived ours are held, whoever is oldest; where there
 * was none, only a holder that is old itself is known to hold many.
 */
async function whoKeepsDeadRows(run: Run, { heap, toast }: TableWaste, vacuumed: boolean): Promise<string | null> {
  const { bloat_threshold, max_transaction_age_seconds } = run.config;
  const mostlyDead = [heap, toast].some((part) => part?.mainly === 'dead_rows' && part.percent >= bloat_threshold);
  if (!mostlyDead) return null;
  const holders = await readXminHolders(run.observer, [run.session.identity.pid]);
  const holder = holders.find(
    ({ catalogOnly, transactionAgeSeconds }) =>
      !catalogOnly && (vacuumed || (transactionAgeSeconds ?? 0) > max_transaction_age_seconds),
  );
  if (holder === undefined) return null;
  return `xmin_held: ${holder.kind.replaceAll('_', ' ')} ${holder.pid ?? holder.name} keeps dead rows from being removed`;
}

function finish(start: Stage, end: Stage, done: readonly StageEnd[], kept: string | null): StepOutcome {
  const result = { ...figures(start, end, done), not_rewritten_because: kept };
  // Nothing was even tried.
  if (done.length === 0) return { kind: 'skipped', reason: kept ?? 'nothing_to_do', result };
  return { kind: 'done', result };
}

function figures(start: Stage, end: Stage, done: readonly StageEnd[]): JsonObject {
  const sizes = [totalBytes(start.table), totalBytes(end.table)] as const;
  return {
    size_before_bytes: sizes[0],
    size_after_bytes: sizes[1],
    bytes_freed: sizes[0] === null || sizes[1] === null ? null : sizes[0] - sizes[1],
    waste_percent_before: wastePercent(start.waste),
    waste_percent_after: wastePercent(end.waste),
    toast_waste_percent_before: start.waste.toast?.percent ?? null,
    toast_waste_percent_after: end.waste.toast?.percent ?? null,
    relfilenode_before: start.table.filenode,
    relfilenode_after: end.table.filenode,
    stages: done.map(({ method, durationMs, bytesFreed }) => ({
      method,
      duration_ms: durationMs,
      bytes_freed: bytesFreed,
    })),
  };
}

/** What an earlier stage did stays told. */
function withFigures(outcome: StepOutcome, told: JsonObject): StepOutcome {
  switch (outcome.kind) {
    case 'failed': {
      const { error } = outcome;
      const detail = typeof error.detail === 'object' && !Array.isArray(error.detail) ? error.detail : {};
      return { kind: 'failed', error: { ...error, detail: { ...detail, ...told } } };
    }
    default:
      return { ...outcome, result: { ...outcome.result, ...told } };
  }
}

function notPermitted(step: PlannedStep, grant: string | null): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not compact ${step.key}; cure: ${grant}`,
      detail: { grant },
    },
  };
}
