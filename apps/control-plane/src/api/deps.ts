import type { AuditSigner, CheckInfo, Deps, HealthRegistry } from '@slacktide/application';
import type { ApiKeys, AuditChain, HealthStore } from '@slacktide/application/ports';
import type { Logger, Metrics } from '@slacktide/telemetry';

/** What the API works with. Nothing of Redis: no request may wait for it (law 1). */
export interface ApiDeps extends Deps {
  readonly apiKeys: ApiKeys;
  /** Every check there is, in the order in which they run. */
  readonly checks: readonly CheckInfo[];
  readonly auditChain: AuditChain;
  /** Undefined: the heads of the audit log are not signed. */
  readonly auditSigner: AuditSigner | undefined;
  readonly healthStore: HealthStore;
  readonly health: HealthRegistry;
  /** The process's clock, for expiry of keys; windows and due times ask the ledger. */
  readonly now: () => Date;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Whether this process may be sent requests, and if not why. */
  readonly readiness: () => Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }>;
}
