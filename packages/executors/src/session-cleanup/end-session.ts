import { setTimeout as sleep } from 'node:timers/promises';
import {
  type PlannedStep,
  type StepAudit,
  type StepOutcome,
  type StepRun,
  TargetError,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { describeSession } from './describe-session.ts';
import type { SessionCleanupConfig } from './schema.ts';
import { readSession, type SessionState } from './session-state.ts';
import { isAtWork, protectionOf } from './stale-sessions.ts';

/** A backend that was told to end is gone within moments, unless it is stuck in the kernel. */
const terminateWaitMs = 10_000;
const lookEveryMs = 100;

type Run = StepRun<SessionCleanupConfig>;
/** How far it came. */
type End = 'moved_on' | 'cancelled' | 'terminated' | 'still_there';
/** The last signal that reached it. */
type Signal = 'cancel' | 'terminate';

interface Ending {
  readonly cancelSql: string | null;
  readonly terminateSql: string;
  readonly before: SessionState;
  readonly look: () => Promise<SessionState | undefined>;
  sent: Signal | null;
}

/**
 * Ends one session: looks again, cancels where there is a statement to cancel, terminates what does not heed it, and believes only that it is gone. Whoever
 * did anything since the plan is left alone: every statement names the session by pid, start and the moment of its last change.
 */
export async function endSession(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const { pid, backend_start: backendStart, state_change: stateChange, cancel_first: cancelFirst } = step.data;
  if (typeof pid !== 'number' || typeof backendStart !== 'string') throw new Error(`expected a session in ${step.key}`);
  const look = (): Promise<SessionState | undefined> => readSession(run.observer, pid, backendStart);
  const before = await look();
  if (before === undefined) return { kind: 'skipped', reason: 'gone' };
  const protection = protectionOf(before);
  if (protection !== null) return { kind: 'skipped', reason: protection };
  if (before.stateChange !== stateChange) return { kind: 'skipped', reason: 'moved_on' };
  const cancelSql = cancelFirst === true ? (step.statements[0] ?? null) : null;
  const ending: Ending = { cancelSql, terminateSql: step.statements.at(-1) ?? '', before, look, sent: null };
  const startedAtMs = performance.now();
  const tell = (end: End): StepOutcome => {
    const durationMs = Math.round(performance.now() - startedAtMs);
    const told = { pid, backend_start: backendStart, reasons: step.data['reasons'] ?? [], ...describeSession(before) };
    return outcomeOf(end, step, ending.sent, told, durationMs);
  };
  try {
    return tell(await signalAndWait(ending, run));
  } catch (error) {
    // Told to stop with the signal on its way: what was done is told all the same.
    if (run.signal.aborted && ending.sent !== null && !isLost(error)) return tell(await endOf(ending));
    if (error instanceof TargetError && error.code === 'insufficient_privilege')
      return notPermitted(step, before, error);
    throw error;
  }
}

async function signalAndWait(ending: Ending, run: Run): Promise<End> {
  const { before, cancelSql, look, terminateSql } = ending;
  if (cancelSql !== null) {
    if (!(await send(cancelSql, run))) return 'moved_on';
    ending.sent = 'cancel';
    run.progress({ phase: 'waiting for the cancelled statement', percent: null, etaSeconds: null });
    const waitMs = run.config.cancel_wait_seconds * 1_000;
    if (await waitUntil(async () => !isSameStatement(await look(), before), waitMs, run)) return 'cancelled';
  }
  // One that stopped just now is not hit: the statement no longer finds it.
  if (!(await send(terminateSql, run))) return cancelSql === null ? 'moved_on' : 'cancelled';
  ending.sent = 'terminate';
  run.progress({ phase: 'waiting for the session to be gone', percent: null, etaSeconds: null });
  return (await waitUntil(async () => (await look()) === undefined, terminateWaitMs, run))
    ? 'terminated'
    : 'still_there';
}

async function endOf({ before, look, sent }: Ending): Promise<End> {
  const now = await look();
  if (sent === 'cancel' && !isSameStatement(now, before)) return 'cancelled';
  return sent === 'terminate' && now === undefined ? 'terminated' : 'still_there';
}

/** Whether the signal was sent: the session is as it was planned. */
async function send(statement: string, run: Run): Promise<boolean> {
  const rows = await run.session.query<{ sent: boolean }>(statement);
  return rows.some(({ sent }) => sent);
}

function isSameStatement(now: SessionState | undefined, before: SessionState): boolean {
  return now !== undefined && isAtWork(now.state) && now.stateChange === before.stateChange;
}

async function waitUntil(isSo: () => Promise<boolean>, limitMs: number, { signal }: Run): Promise<boolean> {
  const startedAtMs = performance.now();
  for (;;) {
    if (await isSo()) return true;
    if (performance.now() - startedAtMs >= limitMs) return false;
    await sleep(lookEveryMs, undefined, { signal });
  }
}

function outcomeOf(
  end: End,
  step: PlannedStep,
  sent: Signal | null,
  told: JsonObject,
  durationMs: number,
): StepOutcome {
  if (end === 'moved_on') return { kind: 'skipped', reason: 'moved_on' };
  const after = { ...told, ended: end };
  const audit: readonly StepAudit[] = [{ action: `session.${sent}`, after }];
  if (end !== 'still_there') return { kind: 'done', result: { ...after, duration_ms: durationMs }, audit };
  const message = `${step.key} was told to end, and is still there after ${Math.round(durationMs / 1000)} s`;
  return { kind: 'failed', error: { code: 'not_verified', message, detail: after }, audit };
}

function notPermitted(step: PlannedStep, { grant }: SessionState, error: TargetError): StepOutcome {
  const message = `the role may not end ${step.key}: ${error.message}; cure: ${grant}`;
  return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail: { grant } } };
}

function isLost(error: unknown): boolean {
  return error instanceof TargetError && error.code === 'session_lost';
}
