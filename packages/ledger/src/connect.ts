import type {
  ActRecords,
  ApiKeys,
  AuditChain,
  CheckRecords,
  HealthStore,
  History,
  Inquiries,
  Ledger,
  Observations,
  OutboxQueue,
  Reconciliation,
  Recoveries,
  Remnants,
  TaskExecutions,
  UpkeepStore,
} from '@slacktide/application/ports';
import { createActRecords } from './act-records/create-act-records.ts';
import { createApiKeys } from './api-keys.ts';
import { createAuditChain } from './audit/create-audit-chain.ts';
import { createCheckRecords } from './findings/create-check-records.ts';
import { createHealthStore } from './health-store.ts';
import { createHistory } from './history/history.ts';
import { createInquiries } from './inquiries/create-inquiries.ts';
import { createLedger } from './ledger.ts';
import { withLedgerErrors } from './ledger-errors.ts';
import { createObservations } from './observations/create-observations.ts';
import { createOutboxQueue } from './outbox/outbox-queue.ts';
import { createReconciliation } from './reconciliation/create-reconciliation.ts';
import { createRecoveries } from './recoveries/create-recoveries.ts';
import { createRemnants } from './recoveries/create-remnants.ts';
import { openPool, type PoolOptions } from './sql.ts';
import { createTaskExecutions } from './task-executions/create-task-executions.ts';
import { createUpkeep } from './upkeep/create-upkeep.ts';

/** Every port of the ledger, over one pool. Their calls reject with AppError `ledger_unavailable` while it is away. */
export interface LedgerConnection {
  readonly ledger: Ledger;
  readonly executions: TaskExecutions;
  readonly recoveries: Recoveries;
  readonly remnants: Remnants;
  readonly records: CheckRecords;
  readonly actRecords: ActRecords;
  readonly observations: Observations;
  readonly upkeep: UpkeepStore;
  readonly outbox: OutboxQueue;
  readonly reconciliation: Reconciliation;
  readonly inquiries: Inquiries;
  readonly health: HealthStore;
  readonly apiKeys: ApiKeys;
  readonly auditChain: AuditChain;
  readonly history: History;
  /** Ends all sessions; statements in flight get five seconds. */
  close(): Promise<void>;
}

export interface LedgerOptions extends PoolOptions {
  /** Told of what fails where no caller waits: an inquiry's answer that could not be found or written. Default: nobody. */
  readonly onError?: (error: unknown) => void;
}

/** Connects to a migrated ledger, lazily. One more session than `maxConnections` serves LISTEN. */
export function connectLedger({ onError = () => undefined, ...options }: LedgerOptions): LedgerConnection {
  const sql = openPool(options);
  return {
    ledger: createLedger(sql),
    executions: withLedgerErrors(createTaskExecutions(sql)),
    recoveries: withLedgerErrors(createRecoveries(sql)),
    remnants: withLedgerErrors(createRemnants(sql)),
    records: withLedgerErrors(createCheckRecords(sql)),
    actRecords: withLedgerErrors(createActRecords(sql)),
    observations: createObservations(sql),
    upkeep: createUpkeep(sql),
    outbox: withLedgerErrors(createOutboxQueue(sql)),
    reconciliation: withLedgerErrors(createReconciliation(sql)),
    inquiries: withLedgerErrors(createInquiries(sql, { onError })),
    health: withLedgerErrors(createHealthStore(sql)),
    apiKeys: withLedgerErrors(createApiKeys(sql)),
    auditChain: withLedgerErrors(createAuditChain(sql)),
    history: withLedgerErrors(createHistory(sql)),
    close: () => sql.end({ timeout: 5 }),
  };
}
