import { setTimeout as sleep } from 'node:timers/promises';
import { shortAttempts } from '@slacktide/acting';
import { TargetError, type TargetSession } from '@slacktide/application/ports';

/** Recovery waits for nobody for long: what stays is told. */
const lockLimitMs = 2_000;

/** Sends what takes ACCESS EXCLUSIVE, waiting for it in short goes. Rejects with TargetError `lock_timeout` when it was not to be had. */
export async function dropShortly(session: TargetSession, statement: string): Promise<void> {
  const { attemptsMs, pauseMs } = shortAttempts(lockLimitMs);
  for (const [attempt, attemptMs] of attemptsMs.entries()) {
    if (attempt > 0) await sleep(pauseMs);
    await session.execute(`SET lock_timeout = '${attemptMs}ms'`);
    try {
      await session.execute(statement);
      await session.execute('RESET lock_timeout');
      return;
    } catch (error) {
      const isLast = attempt === attemptsMs.length - 1;
      if (isLast || !(error instanceof TargetError) || error.code !== 'lock_timeout') throw error;
    }
  }
}
