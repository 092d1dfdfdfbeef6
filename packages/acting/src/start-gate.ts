import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@slacktide/domain';
import { type GatedOperation, readBlockers } from '@slacktide/targets';
import type { ActRun } from './act-run.ts';
import { blockerJson, blockerWords } from './blocker-words.ts';

const pollEveryMs = 1_000;

/** What to do when others would make a CONCURRENTLY statement wait. */
export interface GatePolicy {
  /** `wait` until they are gone or the time is up, `skip` at the first look, `go` whatever is there. */
  readonly gate: 'wait' | 'skip' | 'go';
  readonly gate_timeout_seconds: number;
}

/** What the gate found. */
export interface GateLook {
  readonly open: boolean;
  /** In the form of a result: who was in the way, and for how long we waited. */
  readonly found: JsonObject;
  /** Who still is, for a person. */
  readonly inTheWay: readonly string[];
}

/**
 * Looks who would make `operation` CONCURRENTLY on an index of this table wait, before it leaves anything behind: sessions, prepared transactions,
 * feedback of standbys, with age and statement. A look, not a promise.
 */
export async function passGate(
  run: Pick<ActRun, 'session' | 'observer' | 'signal' | 'progress'>,
  tableOid: number,
  operation: GatedOperation,
  { gate, gate_timeout_seconds }: GatePolicy,
): Promise<GateLook> {
  const startedAtMs = performance.now();
  for (;;) {
    const blockers = await readBlockers(run.observer, tableOid, operation, [run.session.identity.pid]);
    const waitedMs = Math.round(performance.now() - startedAtMs);
    const open = blockers.length === 0 || gate === 'go';
    if (open || gate === 'skip' || waitedMs >= gate_timeout_seconds * 1000) {
      const found = { gate, waited_ms: waitedMs, blockers: blockers.map(blockerJson) };
      return { open, found, inTheWay: blockers.map(blockerWords) };
    }
    run.progress({ phase: 'waiting for older transactions', percent: null, etaSeconds: null });
    await sleep(Math.min(pollEveryMs, gate_timeout_seconds * 1000 - waitedMs), undefined, { signal: run.signal });
  }
}
