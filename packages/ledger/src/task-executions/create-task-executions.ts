import type { TaskExecutions } from '@slacktide/application/ports';
import { cancelChannel } from '../cancel-channel.ts';
import type { LedgerPool } from '../sql.ts';
import { subscribe } from '../subscribe.ts';
import { claim } from './claim.ts';
import { finalise } from './finalise.ts';
import { finish } from './finish.ts';
import { gate } from './gate.ts';
import { listDoneSteps } from './list-done-steps.ts';
import { recordIntent } from './record-intent.ts';
import { recordProgress } from './record-progress.ts';
import { recordSamples } from './record-samples.ts';
import { release } from './release.ts';
import { renew } from './renew.ts';

/** A task's life in the ledger. What was cancelled while the connection was lost is not heard of by `subscribeCancels`, but by the next `renew`. */
export function createTaskExecutions(pool: LedgerPool): TaskExecutions {
  return {
    claim: (request) => claim(pool, request),
    listDoneSteps: (claimed) => listDoneSteps(pool, claimed),
    release: (claimed, reason) => release(pool, claimed, reason),
    gate: (claimed) => gate(pool, claimed),
    recordIntent: (claimed, intent) => recordIntent(pool, claimed, intent),
    renew: (claimed, leaseLifeMs) => renew(pool, claimed, leaseLifeMs),
    recordProgress: (claimed, progress) => recordProgress(pool, claimed, progress),
    recordSamples: (claimed, samples) => recordSamples(pool, claimed, samples),
    finish: (claimed, outcome, steps) => finish(pool, claimed, outcome, steps),
    finalise: (request) => finalise(pool, request),
    subscribeCancels: (cancel) => subscribe(pool, cancelChannel, { onNotice: cancel }),
  };
}
