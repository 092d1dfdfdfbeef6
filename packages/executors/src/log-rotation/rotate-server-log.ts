import { settle } from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { LogRotationConfig } from './schema.ts';
import { readServerLog, type ServerLog } from './server-log.ts';

/** Asks the server to begin a new log file, and looks whether it did: the server only passes the wish on, and says nothing of what came of it. */
export async function rotateServerLog(step: PlannedStep, run: StepRun<LogRotationConfig>): Promise<StepOutcome> {
  const [statement] = step.statements;
  if (statement === undefined) throw new Error('expected a statement');
  const before = await readServerLog(run.session);
  if (!before.isCollected) return { kind: 'skipped', reason: 'logging_collector_off' };
  if (!before.mayRotate) return notPermitted(before.rotateGrant);
  const started = performance.now();
  await run.session.execute(statement);
  // Where the role may not know which file is current there is nothing to wait for.
  const after = await settle(
    () => readServerLog(run.session),
    ({ current }) => before.current === null || isOther(before, current),
    run.signal,
  );
  const isRotated = isOther(before, after.current);
  if (!isRotated && before.current !== null && (await namesEverySecond(run))) return notDone(before);
  await run.effect({
    action: 'rotate_log',
    object: step.key,
    objectKind: 'file',
    durationMs: performance.now() - started,
    sizeBeforeBytes: null,
    sizeAfterBytes: null,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: { before: before.current, after: after.current },
  });
  return { kind: 'done', result: { before: before.current, after: after.current, ...proof(before, isRotated) } };
}

function isOther({ current: before }: ServerLog, after: readonly string[] | null): boolean {
  return before !== null && after !== null && before.join() !== after.join();
}

/** Not seen = the role may not ask which file is current, or its name is the same until the time it is made of changes. */
function proof(before: ServerLog, isRotated: boolean) {
  if (isRotated) return { verified: true };
  if (before.current === null) return { verified: false, why: 'insufficient_privilege', grant: before.currentGrant };
  return { verified: false, why: 'same_name' };
}

/** Whether log_filename gives files of different seconds different names: then a new file can be told by its name. */
async function namesEverySecond({ session }: StepRun<LogRotationConfig>): Promise<boolean> {
  const [row] = await session.query<{ yes: boolean }>(`SELECT current_setting('log_filename') ~ '%(S|T|c|r|X)' AS yes`);
  return row?.yes === true;
}

function notPermitted(grant: string): StepOutcome {
  const message = `the role may not rotate the server log; cure: ${grant}`;
  return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail: { grant } } };
}

function notDone({ current }: ServerLog): StepOutcome {
  const message = `the server was asked to rotate its log, and still writes to ${current?.join(', ')}`;
  return { kind: 'failed', error: { code: 'not_verified', message } };
}
