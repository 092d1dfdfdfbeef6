import { setTimeout as sleep } from 'node:timers/promises';
import {
  type PlannedStep,
  type StepOutcome,
  type StepRun,
  TargetError,
  type TargetReader,
} from '@slacktide/application/ports';
import { isThere, onStandby } from './on-standby.ts';
import type { ReplicaValidationConfig } from './schema.ts';

type Run = StepRun<ReplicaValidationConfig>;

/** Rows that came and went between the looks at the primary may have been seen on the standby: only a difference that stays is one. */
const attempts = 3;
const pollEveryMs = 200;

/** Text forms that the configuration of a server decides, and which need not be the same on its standby. */
const formsSql = `
SELECT set_config('IntervalStyle', 'postgres', false), set_config('extra_float_digits', '1', false), set_config('bytea_output', 'hex', false),
  set_config('lc_monetary', 'C', false), set_config('xmlbinary', 'base64', false)`;

interface Digest {
  readonly rows: string;
  readonly hash: string;
}

/**
 * Compares the rows of a table at one position of WAL, without pausing anything: the primary is read, the standby once it has replayed all that the
 * primary had by then, and the primary again. Where that has not changed in between, both have to be the same.
 */
export async function compareRows(step: PlannedStep, run: Run): Promise<StepOutcome> {
  let last: StepOutcome = { kind: 'skipped', reason: 'table_changed' };
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    last = await compareOnce(step, run);
    const mayPass = last.kind === 'failed' || (last.kind === 'skipped' && last.reason === 'table_changed');
    if (!mayPass) return last;
  }
  return last;
}

async function compareOnce(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const { oid } = step.object;
  const standby = String(step.data['standby']);
  const quoted = String(step.data['quoted']);
  if (oid === null) throw new Error(`expected a table in ${step.key}`);
  if (!(await isThere(run.observer, oid, quoted))) return { kind: 'skipped', reason: 'table_gone' };
  return await onStandby(run, standby, async (reader) => {
    const before = await readDigest(run.observer, step);
    const position = await readPosition(run.observer);
    const behind = await untilReplayed(reader, position, run);
    if (behind !== null) return { kind: 'skipped', reason: behind };
    const there = await readDigest(reader, step);
    const after = await readDigest(run.observer, step);
    if (isBusy(before) || isBusy(after) || isBusy(there)) return { kind: 'skipped', reason: 'locked_or_too_slow' };
    if (before.rows !== after.rows || before.hash !== after.hash) return { kind: 'skipped', reason: 'table_changed' };
    if (there.rows === before.rows && there.hash === before.hash) {
      return { kind: 'done', result: { standby, rows: Number(there.rows) } };
    }
    return {
      kind: 'failed',
      error: {
        code: 'content_differs',
        message: `${quoted} has ${there.rows} rows on standby ${standby} and ${before.rows} on its primary${there.rows === before.rows ? ', but not the same ones' : ''}`,
        detail: { standby, rows: Number(before.rows), rows_on_standby: Number(there.rows) },
      },
    };
  });
}

function isBusy(digest: Digest | 'busy'): digest is 'busy' {
  return digest === 'busy';
}

async function readDigest(
  reader: TargetReader,
  { statements: [statement], key }: PlannedStep,
): Promise<Digest | 'busy'> {
  if (statement === undefined) throw new Error(`expected a statement in ${key}`);
  await reader.query(formsSql);
  try {
    const [digest] = await reader.query<Digest>(statement);
    if (digest === undefined) throw new Error('an aggregate returned no row');
    return digest;
  } catch (error) {
    // 40001, 40P01: replay on a standby comes before who reads there.
    const passing = error instanceof TargetError && ['lock_timeout', 'statement_timeout'].includes(error.code);
    if (passing || (error instanceof TargetError && ['40001', '40P01'].includes(error.sqlState ?? ''))) return 'busy';
    throw error;
  }
}

/** Where WAL is: everything that was seen lies before. At the beginning of a page it points behind its header, which no replay position does. */
async function readPosition(reader: TargetReader): Promise<string> {
  const [row] = await reader.query<{ position: string }>(`
SELECT (CASE WHEN position % block <= 40 THEN position - position % block ELSE position END)::text AS position
FROM (SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS position, current_setting('wal_block_size')::numeric AS block) AS wal`);
  if (row === undefined) throw new Error('a SELECT of one row returned none');
  return row.position;
}

/** Null = it has replayed all that; else why it is not read. */
async function untilReplayed(standby: TargetReader, position: string, run: Run): Promise<string | null> {
  const startedMs = performance.now();
  for (;;) {
    const [row] = await standby.query<{ inRecovery: boolean; replayed: boolean | null }>(
      `SELECT pg_is_in_recovery() AS "inRecovery", pg_last_wal_replay_lsn() - '0/0'::pg_lsn >= $1::numeric AS replayed`,
      [position],
    );
    if (row?.inRecovery !== true) return 'not_a_standby';
    if (row.replayed === true) return null;
    if (performance.now() - startedMs > run.config.compare_wait_seconds * 1000) return 'standby_behind';
    run.progress({ phase: 'waiting for replay', percent: null, etaSeconds: null });
    await sleep(pollEveryMs, undefined, { signal: run.signal });
  }
}
