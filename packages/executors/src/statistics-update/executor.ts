import { lockedOutcome, runOnTable, settle, tableRightsSql, warningsOf } from '@slacktide/acting';
import type { Executor, PlannedStep, StepOutcome, StepRun, TargetReader } from '@slacktide/application/ports';
import { readStatisticsFacts, type StatisticsFacts } from './facts.ts';
import { planStatistics } from './plan.ts';
import { type StatisticsUpdateConfig, taskType } from './schema.ts';

/** ANALYZE, verified: the server ends it with success even when it skipped the table. */
export const statisticsUpdate: Executor<StatisticsUpdateConfig, StatisticsFacts> = {
  taskType,
  readFacts: readStatisticsFacts,
  plan: planStatistics,
  runStep: analyzeTable,
};

async function analyzeTable(step: PlannedStep, run: StepRun<StatisticsUpdateConfig>): Promise<StepOutcome> {
  const [statement] = step.statements;
  const tableOid = step.object.oid;
  if (statement === undefined || tableOid === null) throw new Error(`expected a table and a statement in ${step.key}`);
  const before = await readState(run.observer, tableOid);
  if (before === undefined || before.quoted !== step.key) return { kind: 'skipped', reason: 'table_gone' };
  if (!before.permitted) return notPermitted(step, before.grant);

  const ran = await runOnTable(run, {
    tableOid,
    statement,
    lock: 'SHARE UPDATE EXCLUSIVE',
    attemptsMs: [run.config.lock_timeout_seconds * 1000],
    pauseMs: 0,
  });
  if (ran.kind === 'locked') return lockedOutcome(step, ran);

  const warnings = warningsOf(ran.notices);
  const after = await settle(
    () => readState(run.observer, tableOid),
    (state) => state === undefined || moved(before, state),
    run.signal,
  );
  if (after === undefined) return { kind: 'skipped', reason: 'table_gone' };
  if (!moved(before, after)) return notDone(step, warnings);
  await run.effect({
    action: 'analyze',
    object: step.key,
    objectKind: 'table',
    durationMs: Math.round(ran.durationMs),
    sizeBeforeBytes: step.sizeBytes,
    sizeAfterBytes: step.sizeBytes,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: {
      reason: step.data['reason'] ?? null,
      live_rows: after.liveRows,
      modified_rows_before: before.modifiedRows,
    },
  });
  return {
    kind: 'done',
    result: {
      reason: step.data['reason'] ?? null,
      live_rows: after.liveRows,
      modified_rows_before: before.modifiedRows,
      modified_rows_after: after.modifiedRows,
      last_analyze: after.lastAnalyze,
      duration_ms: Math.round(ran.durationMs),
      warnings,
    },
  };
}

interface AnalyzeState {
  readonly quoted: string;
  readonly permitted: boolean;
  readonly grant: string | null;
  readonly lastAnalyze: string | null;
  readonly analyzeCount: number;
  readonly liveRows: number;
  readonly modifiedRows: number;
}

async function readState(reader: TargetReader, tableOid: number): Promise<AnalyzeState | undefined> {
  const rights = tableRightsSql(reader.serverVersion);
  const [state] = await reader.query<AnalyzeState>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS quoted, ${rights.permitted} AS permitted, ${rights.grant} AS "grant",
  pg_stat_get_last_analyze_time(c.oid)::text AS "lastAnalyze", pg_stat_get_analyze_count(c.oid)::float8 AS "analyzeCount",
  pg_stat_get_live_tuples(c.oid)::float8 AS "liveRows", pg_stat_get_mod_since_analyze(c.oid)::float8 AS "modifiedRows"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
    [tableOid],
  );
  return state;
}

/** Both, because the counters may be reset while we work: then the count falls, but only our ANALYZE sets a new time. */
function moved(before: AnalyzeState, after: AnalyzeState): boolean {
  return (
    after.lastAnalyze !== null && (after.lastAnalyze !== before.lastAnalyze || after.analyzeCount > before.analyzeCount)
  );
}

function notPermitted(step: PlannedStep, grant: string | null): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not analyze ${step.key}; cure: ${grant}`,
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
      message: `ANALYZE of ${step.key} ended with success, but last_analyze did not move; ${said}`,
      detail: { warnings: [...warnings] },
    },
  };
}
