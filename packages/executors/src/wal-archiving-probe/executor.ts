import { setTimeout as sleep } from 'node:timers/promises';
import type { Executor, PlannedStep, StepOutcome, StepRun, TargetReader } from '@slacktide/application/ports';
import { type ProbeFacts, readProbeFacts } from './facts.ts';
import { planProbe } from './plan.ts';
import { taskType, type WalArchivingProbeConfig } from './schema.ts';

const pollEveryMs = 500;

/** Sends one WAL segment to the archive, and waits for it to arrive. */
export const walArchivingProbe: Executor<WalArchivingProbeConfig, ProbeFacts> = {
  taskType,
  readFacts: (reader) => readProbeFacts(reader),
  plan: planProbe,
  runStep: probe,
};

async function probe(step: PlannedStep, run: StepRun<WalArchivingProbeConfig>): Promise<StepOutcome> {
  const [record, switchOver] = step.statements;
  if (record === undefined || switchOver === undefined) throw new Error(`expected two statements in ${step.key}`);
  await run.session.query(record);
  const [switched] = await run.session.query<{ file: string }>(switchOver);
  if (switched === undefined) throw new Error('a SELECT without FROM returned no row');
  const startedMs = performance.now();
  const limitMs = run.config.probe_timeout_seconds * 1000;
  for (;;) {
    const archiver = await readArchiver(run.observer);
    const waitedMs = Math.round(performance.now() - startedMs);
    if (hasArrived(switched.file, archiver.lastArchived)) {
      return { kind: 'done', result: { segment: switched.file, archived_after_ms: waitedMs, ...figures(archiver) } };
    }
    if (waitedMs >= limitMs) return notArchived(switched.file, waitedMs, archiver);
    run.progress({ phase: 'waiting for the archiver', percent: null, etaSeconds: null });
    await sleep(Math.min(pollEveryMs, limitMs - waitedMs), undefined, { signal: run.signal });
  }
}

interface Archiver {
  readonly lastArchived: string | null;
  readonly lastArchivedAt: string | null;
  readonly failures: number;
  readonly lastFailed: string | null;
  readonly lastFailedAt: string | null;
}

const archiverSql = `
SELECT last_archived_wal AS "lastArchived", last_archived_time::text AS "lastArchivedAt", failed_count::float8 AS failures,
  last_failed_wal AS "lastFailed", last_failed_time::text AS "lastFailedAt"
FROM pg_stat_archiver`;

async function readArchiver(reader: TargetReader): Promise<Archiver> {
  const [row] = await reader.query<Archiver>(archiverSql);
  if (row === undefined) throw new Error('expected one row of pg_stat_archiver');
  return row;
}

/** The archiver goes through segments in their order, and on one timeline their names sort as they do. */
function hasArrived(segment: string, last: string | null): boolean {
  return last !== null && /^[0-9A-F]{24}$/.test(last) && last >= segment;
}

function figures({ lastArchived, lastArchivedAt, failures, lastFailed, lastFailedAt }: Archiver) {
  return {
    last_archived_wal: lastArchived,
    last_archived_at: lastArchivedAt,
    failed_count: failures,
    last_failed_wal: lastFailed,
    last_failed_at: lastFailedAt,
  };
}

function notArchived(segment: string, waitedMs: number, archiver: Archiver): StepOutcome {
  const failed =
    archiver.lastFailed === null ? '' : `; it failed last at ${archiver.lastFailedAt} with ${archiver.lastFailed}`;
  return {
    kind: 'failed',
    error: {
      code: 'wal_not_archived',
      message: `segment ${segment} was not archived within ${Math.round(waitedMs / 1000)} s${failed}`,
      detail: { segment, waited_ms: waitedMs, ...figures(archiver) },
    },
  };
}
