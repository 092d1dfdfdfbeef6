import type { TargetTest, Target as TargetView } from '@slacktide/contract';
import type { Target } from '@slacktide/domain';
import type { TargetFacts } from '../ports/index.ts';

/** A target as the API shows it. The connection holds no password: it was refused at the door, and by the ledger. */
export function targetView(target: Target): TargetView {
  return {
    id: target.id,
    name: target.name,
    kind: target.kind,
    connection: target.connection,
    secret_ref: target.secretRef,
    standbys: [...target.standbys],
    labels: target.labels,
    version: target.version,
    created_at: target.createdAt.toISOString(),
    updated_at: target.updatedAt.toISOString(),
  };
}

/** What a look at a target told, as the API shows it. */
export function targetTestView(targetId: string, facts: TargetFacts): TargetTest {
  return {
    target_id: targetId,
    server_version: facts.serverVersion,
    database: facts.database,
    role: facts.role,
    system_identifier: facts.systemIdentifier,
    in_recovery: facts.inRecovery,
    size_bytes: facts.sizeBytes,
    latency_ms: facts.latencyMs,
  };
}
