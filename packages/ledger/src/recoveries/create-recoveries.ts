import type { Recoveries } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';
import { settle } from '../task-executions/finish.ts';
import { listExpired } from './list-expired.ts';
import { postpone } from './postpone.ts';
import { redrive } from './redrive.ts';
import { takeOver } from './take-over.ts';

/** Recovery of tasks whose workers let their leases run out. */
export function createRecoveries(pool: LedgerPool): Recoveries {
  return {
    listExpired: (request) => listExpired(pool, request),
    takeOver: (request) => takeOver(pool, request),
    postpone: (taken, reason, notBeforeMs) => postpone(pool, taken, reason, notBeforeMs),
    redrive: (taken, reason, told) => redrive(pool, taken, reason, told),
    settle: (taken, outcome, steps) => settle(pool, taken, outcome, steps),
  };
}
