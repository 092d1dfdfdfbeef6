import type { Ledger, LedgerReader, LedgerTransaction } from '@slacktide/application/ports';
import { createAuditReader } from './audit/audit-reader.ts';
import { createJobReader } from './jobs/job-reader.ts';
import { createJobWriter } from './jobs/job-writer.ts';
import { withLedgerErrors } from './ledger-errors.ts';
import { addToOutbox } from './outbox/add-to-outbox.ts';
import { runTransaction } from './run-transaction.ts';
import { createScheduleReader } from './schedules/schedule-reader.ts';
import { createScheduleWriter } from './schedules/schedule-writer.ts';
import { createSignalWriter } from './signals/signal-writer.ts';
import type { LedgerPool, LedgerSql } from './sql.ts';
import { createTargetReader } from './targets/target-reader.ts';
import { createTargetWriter } from './targets/target-writer.ts';

/** The only truth (law 1), on PostgreSQL. */
export function createLedger(sql: LedgerPool): Ledger {
  return {
    schedules: withLedgerErrors(createScheduleReader(sql)),
    targets: withLedgerErrors(createTargetReader(sql)),
    jobs: withLedgerErrors(createJobReader(sql)),
    audit: withLedgerErrors(createAuditReader(sql)),
    ...withLedgerErrors({ now: () => ledgerNow(sql) }),
    transaction: (ctx, work) => runTransaction(sql, ctx, (tx) => work(openTransaction(tx))),
  };
}

function openTransaction(sql: LedgerSql): LedgerTransaction {
  return {
    schedules: { ...createScheduleReader(sql), ...createScheduleWriter(sql) },
    targets: { ...createTargetReader(sql), ...createTargetWriter(sql) },
    jobs: { ...createJobReader(sql), ...createJobWriter(sql) },
    audit: createAuditReader(sql),
    outbox: { add: (message) => addToOutbox(sql, message) },
    signals: createSignalWriter(sql),
    now: () => ledgerNow(sql),
  };
}

/** Truncated, not rounded, to the millisecond: never ahead of the ledger's clock. */
async function ledgerNow(sql: LedgerSql): ReturnType<LedgerReader['now']> {
  const [row] = await sql<[{ now: Date }]>`SELECT now()`;
  return row.now;
}
