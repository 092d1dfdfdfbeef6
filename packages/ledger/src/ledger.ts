import type { Ledger, LedgerReader, LedgerTransaction } from '@slacktide/application/ports';
import { createEffectReader } from './act-records/effect-reader.ts';
import { createAuditReader } from './audit/audit-reader.ts';
import type { AuditAuthor } from './audit/insert-audit.ts';
import { createBackupReader } from './backups/backup-reader.ts';
import { createBackupWriter } from './backups/backup-writer.ts';
import { createCareReader } from './care/care-reader.ts';
import { createCareWriter } from './care/care-writer.ts';
import { createFindingReader } from './findings/finding-reader.ts';
import { createFindingWriter } from './findings/finding-writer.ts';
import { createFollowUpReader, createFollowUpWriter } from './follow-ups/create-follow-up-store.ts';
import { createJobReader } from './jobs/job-reader.ts';
import { createJobWriter } from './jobs/job-writer.ts';
import { createLearningReader } from './learnings/learning-reader.ts';
import { withLedgerErrors } from './ledger-errors.ts';
import { addSilently } from './outbox/add-to-outbox.ts';
import { relayWaker } from './outbox/relay-waker.ts';
import { authorOf, runTransaction } from './run-transaction.ts';
import { createScheduleReader } from './schedules/schedule-reader.ts';
import { createScheduleWriter } from './schedules/schedule-writer.ts';
import { createSignalWriter } from './signals/signal-writer.ts';
import type { LedgerPool, LedgerSql } from './sql.ts';
import { createTargetReader } from './targets/target-reader.ts';
import { createTargetWriter } from './targets/target-writer.ts';
import { createTemplateReader } from './templates/template-reader.ts';
import { createTemplateWriter } from './templates/template-writer.ts';
import { createTickStore } from './ticks/create-tick-store.ts';
import { createRollbackPointReader } from './watches/read-watches.ts';
import { createWatchWriter } from './watches/watch-writer.ts';

/** The only truth (law 1), on PostgreSQL. */
export function createLedger(sql: LedgerPool): Ledger {
  const wakeRelay = relayWaker(sql);
  return {
    schedules: withLedgerErrors(createScheduleReader(sql)),
    targets: withLedgerErrors(createTargetReader(sql)),
    jobs: withLedgerErrors(createJobReader(sql)),
    findings: withLedgerErrors(createFindingReader(sql)),
    care: withLedgerErrors(createCareReader(sql)),
    backups: withLedgerErrors(createBackupReader(sql)),
    followUps: withLedgerErrors(createFollowUpReader(sql)),
    templates: withLedgerErrors(createTemplateReader(sql)),
    rollbackPoints: withLedgerErrors(createRollbackPointReader(sql)),
    learnings: withLedgerErrors(createLearningReader(sql)),
    effects: withLedgerErrors(createEffectReader(sql)),
    audit: withLedgerErrors(createAuditReader(sql)),
    ...withLedgerErrors({ now: () => ledgerNow(sql) }),
    async transaction(ctx, work) {
      let hasMessages = false;
      const onMessage = (): void => {
        hasMessages = true;
      };
      const result = await runTransaction(sql, ctx, (tx) => work(openTransaction(tx, authorOf(ctx), onMessage)));
      if (hasMessages) wakeRelay();
      return result;
    },
  };
}

function openTransaction(sql: LedgerSql, author: AuditAuthor, onMessage: () => void): LedgerTransaction {
  return {
    schedules: { ...createScheduleReader(sql), ...createScheduleWriter(sql) },
    targets: { ...createTargetReader(sql), ...createTargetWriter(sql) },
    jobs: { ...createJobReader(sql), ...createJobWriter(sql, author) },
    findings: { ...createFindingReader(sql), ...createFindingWriter(sql) },
    care: { ...createCareReader(sql), ...createCareWriter(sql) },
    backups: { ...createBackupReader(sql), ...createBackupWriter(sql) },
    followUps: { ...createFollowUpReader(sql), ...createFollowUpWriter(sql) },
    templates: { ...createTemplateReader(sql), ...createTemplateWriter(sql) },
    learnings: createLearningReader(sql),
    rollbackPoints: createRollbackPointReader(sql),
    watches: createWatchWriter(sql),
    effects: createEffectReader(sql),
    audit: createAuditReader(sql),
    ticks: createTickStore(sql),
    outbox: {
      add(message) {
        onMessage();
        return addSilently(sql, message);
      },
    },
    signals: createSignalWriter(sql),
    now: () => ledgerNow(sql),
  };
}

/** Truncated, not rounded, to the millisecond: never ahead of the ledger's clock. */
async function ledgerNow(sql: LedgerSql): ReturnType<LedgerReader['now']> {
  const [row] = await sql<[{ now: Date }]>`SELECT now()`;
  return row.now;
}
