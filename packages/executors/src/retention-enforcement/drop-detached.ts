import { blockerWords, runOnTable, shortAttempts } from '@slacktide/acting';
import { type PlannedStep, type StepRun, TargetError } from '@slacktide/application/ports';
import type { Exported } from './archive.ts';
import { writingSql } from './export-partition.ts';
import type { RetentionConfig } from './schema.ts';
import type { PartitionData } from './step-data.ts';

type Run = StepRun<RetentionConfig>;

export type Dropped =
  | { readonly kind: 'dropped'; readonly rows: number | null }
  /** Looked at under the lock, it was not what was exported, or held rows on hold. */
  | { readonly kind: 'refused'; readonly reason: 'legal_hold' | 'changed_meanwhile'; readonly found: Found }
  | { readonly kind: 'locked'; readonly who: string };

interface Found {
  readonly rows: number;
  readonly held: number;
  readonly checksum: string | null;
}

/** Drops a table that is detached, in short attempts; what has to be looked at first is looked at under the lock, in the transaction of the drop. */
export async function dropDetached(
  step: PlannedStep,
  data: PartitionData,
  exported: Exported | null,
  run: Run,
): Promise<Dropped> {
  const attempts = shortAttempts(run.config.lock_limit_seconds * 1_000);
  const { check } = data;
  let verdict: Dropped = { kind: 'dropped', rows: null };
  const inTransaction = async () => {
    verdict = await checkAndDrop(step, data, check ?? '', exported, run);
    return { notices: [], durationMs: 0 };
  };
  if (exported !== null) await run.session.query(writingSql);
  const ran = await runOnTable(run, {
    tableOid: data.partition_oid,
    statement: `DROP TABLE ${step.key}`,
    lock: 'ACCESS EXCLUSIVE',
    ...attempts,
    ...(check === null ? {} : { send: inTransaction }),
  });
  if (ran.kind === 'ran') return verdict;
  return { kind: 'locked', who: ran.blockers.map(blockerWords).join('; ') || 'nobody any more' };
}

async function checkAndDrop(
  step: PlannedStep,
  data: PartitionData,
  check: string,
  exported: Exported | null,
  { session, progress }: Run,
): Promise<Dropped> {
  await session.execute('BEGIN');
  try {
    await session.execute(`LOCK TABLE ${step.key} IN SHARE MODE`);
    progress({ phase: 'comparing with the export', percent: null, etaSeconds: null });
    const [found] = await session.query<Found>(check, data.hold_parameters);
    if (found === undefined) throw new Error('an aggregate returned no row');
    const reason = found.held > 0 ? 'legal_hold' : isAsExported(found, exported) ? null : 'changed_meanwhile';
    if (reason !== null) {
      await session.execute('ROLLBACK');
      return { kind: 'refused', reason, found };
    }
    await session.execute(`DROP TABLE ${step.key}`);
    await session.execute('COMMIT');
    return { kind: 'dropped', rows: found.rows };
  } catch (error) {
    const isLost = error instanceof TargetError && error.code === 'session_lost';
    if (!isLost) await session.cleanUp('ROLLBACK');
    throw error;
  }
}

function isAsExported({ rows, checksum }: Found, exported: Exported | null): boolean {
  return exported === null || (rows === exported.rows && checksum === exported.checksum);
}
