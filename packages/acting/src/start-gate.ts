import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@slacktide/domain';
import { type Blocker, type GatedOperation, readBlockers } from '@slacktide/targets';
import type { ActRun } from './act-run.ts';
import { blockerJson, blockerWords } from './blocker-words.ts';

const pollEveryMs = 1_000;

/** What to do when others would make a CONCURRENTLY statement wait. */
export interface GatePolicy {
  /** `wait` until nobody of them is there for a second or more, or the time is up; `skip` at the first look, `go` whatever is there. */
  readonly gate: 'wait' | 'skip' | 'go';
  readonly gate_timeout_seconds: number;
}

/** What the gate found. */
export interface GateLook {
  readonly open: boolean;
  /** In the form of a result: who was in the way, and for how long we waited. Of those that came and went between two looks nothing is told. */
  readonly found: JsonObject;
  /** Who still is, for a person. */
  readonly inTheWay: readonly string[];
}

/**
 * Looks who would make `operation` CONCURRENTLY on an index of this table wait, before it leaves anything behind: sessions, prepared transactions,
 * feedback of standbys, with age and statement. A look, not a promise. On a table that is never idle somebody always is in the way: those who came
 * since the look before are as short as all that went, and the statement can wait for them itself.
 */
export async function passGate(
  run: Pick<ActRun, 'session' | 'observer' | 'signal' | 'progress'>,
  tableOid: number,
  operation: GatedOperation,
  { gate, gate_timeout_seconds }: GatePolicy,
): Promise<GateLook> {
  const startedAtMs = performance.now();
  let before: ReadonlySet<unknown> | undefined;
  for (;;) {
    const present = await readBlockers(run.observer, tableOid, operation, [run.session.identity.pid]);
    const blockers = present.filter((blocker) => before === undefined || before.has(transactionOf(blocker)));
    before = new Set(present.map(transactionOf));
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

/** One of the same session later on is another. */
function transactionOf({ transaction, pid }: Blocker): string | number | null {
  return transaction ?? pid;
}
