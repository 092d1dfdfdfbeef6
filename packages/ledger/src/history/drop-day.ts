import { setTimeout as pause } from 'node:timers/promises';
import { isLockTimeout } from '../ledger-errors.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { rollUp } from './roll-up.ts';

/**
 * Dropping a partition needs the parent for itself for a moment, and whoever reads or writes history queues behind the wait
 * for it. So the wait is short, shorter than `deadlock_timeout` (1 s), and given up and begun again rather than prolonged.
 */
const waitMs = 500;
const pauseMs = 250;
const tries = 3;

/**
 * Rolls a day up into daily figures and drops its partitions, both or neither; false when the day has a job that is not
 * over, or history is too busy now: it stays for the next time.
 */
export async function dropDay(sql: LedgerPool, day: string): Promise<boolean> {
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    try {
      return await sql.begin((tx) => rollUpAndDrop(tx, day));
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      await pause(pauseMs);
    }
  }
  return false;
}

async function rollUpAndDrop(tx: LedgerSql, day: string): Promise<boolean> {
  const suffix = day.replaceAll('-', '');
  const [jobs, tasks, steps] = [tx(`jobs_${suffix}`), tx(`tasks_${suffix}`), tx(`steps_${suffix}`)];
  await tx`SELECT set_config('lock_timeout', ${`${waitMs}ms`}, true), set_config('statement_timeout', '5min', true)`;
  // Keeps out who would add to this day, and another prune.
  await tx`SELECT pg_advisory_xact_lock(hashtext('slacktide.history.prune'))`;
  const attached = await tx`SELECT FROM pg_class WHERE relname = ${`jobs_${suffix}`} AND relispartition`;
  if (attached.length === 0) return false;
  await tx`LOCK TABLE ONLY ${jobs}, ONLY ${tasks}, ONLY ${steps} IN SHARE ROW EXCLUSIVE MODE`;
  const open = await tx`SELECT FROM ${jobs} WHERE finished_at IS NULL LIMIT 1`;
  if (open.length > 0) return false;
  await rollUp(tx, day);
  await tx`DROP TABLE ${steps}, ${tasks}, ${jobs}`;
  return true;
}
