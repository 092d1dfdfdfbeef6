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

/** Locking and dropping are functions of the ledger's owner: the apps' role owns no table. */
async function rollUpAndDrop(tx: LedgerSql, day: string): Promise<boolean> {
  await tx`SELECT set_config('lock_timeout', ${`${waitMs}ms`}, true), set_config('statement_timeout', '5min', true)`;
  const [row] = await tx<[{ locked: boolean }]>`SELECT lock_history_day(${day}::date) AS locked`;
  if (!row.locked) return false;
  await rollUp(tx, day);
  await tx`SELECT drop_history_day(${day}::date)`;
  return true;
}
