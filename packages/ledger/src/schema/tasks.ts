import type { Intent } from '@slacktide/application/ports';
import {
  type Access,
  accesses,
  defaultTimeLimitSeconds,
  type Json,
  type JsonObject,
  type State,
  states,
  type TaskError,
  terminalStates,
} from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { bothOrNeither, idCarriesInstant, implies, instant, oneOf } from './columns.ts';

/** PARTITION BY RANGE (scheduled_for), as jobs; each partition refers to the day's partition of jobs. */
export const tasks = pgTable(
  'tasks',
  {
    id: uuid().notNull(),
    scheduledFor: instant().notNull(),
    jobId: uuid().notNull(),
    key: text().notNull(),
    type: text().notNull(),
    position: smallint().notNull(),
    config: jsonb().$type<JsonObject>().notNull(),
    needs: jsonb().$type<readonly string[]>().notNull(),
    state: text().$type<State>().notNull(),
    reason: text(),
    attempt: integer().notNull(),
    /** Defaults here and below: rows of the release before are written without them. */
    crashes: integer().notNull().default(0),
    timeLimitSeconds: integer().notNull().default(defaultTimeLimitSeconds),
    progress: doublePrecision(),
    result: jsonb().$type<Json>(),
    error: jsonb().$type<TaskError>(),
    startedAt: instant(),
    finishedAt: instant(),
    /** Of the claim that holds or last held it. */
    access: text().$type<Access>(),
    fence: bigint({ mode: 'number' }),
    workerId: text(),
    /** Who is about to act on the target, written before acting; each claim begins without. */
    intentAt: instant(),
    intentPid: integer(),
    intentBackendStart: text(),
    intentApplicationName: text(),
    intentEpoch: jsonb().$type<Intent['epoch']>(),
    /** Recovery was tried in vain, and is not tried again before. */
    recoverAfter: instant(),
    /** Take-overs since the last that came to an orderly end, or since the claim. */
    recoveryAttempts: integer().notNull().default(0),
    /** When the claim's lease ran out, kept from when it was first removed. */
    leaseExpiredAt: instant(),
  },
  (table) => [
    primaryKey({ name: 'tasks_pkey', columns: [table.scheduledFor, table.id] }),
    // What recovery looks through.
    index('tasks_running').on(table.id).where(sql`state = 'RUNNING'`),
    unique('tasks_job_key').on(table.scheduledFor, table.jobId, table.key),
    check('tasks_id', idCarriesInstant),
    check('tasks_state', oneOf('state', states)),
    check('tasks_finished', bothOrNeither(oneOf('state', terminalStates), sql`finished_at IS NOT NULL`)),
    check(
      'tasks_running_is_fenced',
      implies(
        sql`state = 'RUNNING'`,
        sql`fence IS NOT NULL AND worker_id IS NOT NULL AND access IS NOT NULL AND started_at IS NOT NULL`,
      ),
    ),
    check('tasks_skipped_has_reason', implies(sql`state = 'SKIPPED'`, sql`reason IS NOT NULL`)),
    check('tasks_failed_has_error', implies(sql`state = 'FAILED'`, sql`error IS NOT NULL`)),
    check('tasks_access', implies(sql`access IS NOT NULL`, oneOf('access', accesses))),
    check('tasks_progress', sql`progress IS NULL OR progress BETWEEN 0 AND 100`),
    check('tasks_attempt', sql`attempt >= 0`),
    check('tasks_crashes', sql`crashes >= 0`),
    check('tasks_time_limit', sql`time_limit_seconds >= 1`),
    check('tasks_unclear_has_error', implies(sql`state = 'NEEDS_OPERATOR'`, sql`error IS NOT NULL`)),
    check(
      'tasks_intent_whole',
      sql`num_nulls(intent_at, intent_pid, intent_backend_start, intent_application_name, intent_epoch) IN (0, 5)`,
    ),
  ],
);
