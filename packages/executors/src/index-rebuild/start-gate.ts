import { setTimeout as sleep } from 'node:timers/promises';
import type { StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type Blocker, readBlockers } from '@slacktide/targets';
import type { IndexRebuildConfig } from './schema.ts';

const pollEveryMs = 1_000;

/** What the gate found, in the form of a result: who was in the way, and for how long we waited. */
export interface GateLook {
  readonly open: boolean;
  readonly found: JsonObject;
}

/**
 * Looks who would make the rebuild wait, before it leaves anything behind: `wait` until they are gone or the time is up,
 * `skip` at the first look, `go` whatever is there.
 */
export async function passGate(run: StepRun<IndexRebuildConfig>, tableOid: number): Promise<GateLook> {
  const { gate, gate_timeout_seconds } = run.config;
  const startedAtMs = performance.now();
  for (;;) {
    const blockers = await readBlockers(run.observer, tableOid, 'reindex', [run.session.identity.pid]);
    const waitedMs = Math.round(performance.now() - startedAtMs);
    const open = blockers.length === 0 || gate === 'go';
    if (open || gate === 'skip' || waitedMs >= gate_timeout_seconds * 1000) {
      return { open, found: { gate, waited_ms: waitedMs, blockers: blockers.map(blockerJson) } };
    }
    run.progress({ phase: 'waiting for older transactions', percent: null, etaSeconds: null });
    await sleep(Math.min(pollEveryMs, gate_timeout_seconds * 1000 - waitedMs), undefined, { signal: run.signal });
  }
}

function blockerJson(blocker: Blocker): JsonObject {
  return {
    why: blocker.why,
    pid: blocker.pid,
    user: blocker.user,
    application_name: blocker.applicationName,
    backend_type: blocker.backendType,
    state: blocker.state,
    transaction_age_seconds: blocker.transactionAgeSeconds,
    detail: blocker.detail,
    prepared_transaction: blocker.preparedTransaction,
  };
}
