import { failpoint } from '@slacktide/application';
import { type ActOptions, TargetError, type TargetReader, type TargetSession } from '@slacktide/application/ports';
import { lockTarget } from './advisory-lock.ts';
import { CancelConnection } from './cancel-connection.ts';
import type { ClientPrograms } from './client-programs.ts';
import type { Opening } from './open-session.ts';
import type { PostgresSession } from './postgres-session.ts';
import { asReader, asTargetSession } from './session-faces.ts';
import { actSettings, readSettings, readStatementTimeoutMs } from './settings.ts';
import type { Timings } from './timings.ts';

/** Opens a session to one target. */
export type Open = (
  opening: Pick<Opening, 'applicationName' | 'settings' | 'statementTimeoutMs' | 'interrupter'>,
) => Promise<PostgresSession>;

/**
 * Three sessions: one acts and holds the advisory lock, one observes, one waits for a cancel. They end when `use` settles,
 * and the lock is free when this returns.
 */
export async function act<T>(
  { open, programs }: { readonly open: Open; readonly programs: ClientPrograms },
  { applicationName, statementTimeoutMs, signal }: ActOptions,
  timings: Timings,
  use: (session: TargetSession, observer: TargetReader) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw new TargetError('cancelled', 'The work was cancelled before it began.');
  const looking = { settings: readSettings(timings), statementTimeoutMs: readStatementTimeoutMs };
  const interrupter = new CancelConnection(
    () => open({ ...looking, applicationName: `${applicationName}/cancel` }),
    timings,
  );
  const sessions: PostgresSession[] = [];
  try {
    const settings = actSettings(statementTimeoutMs, timings);
    const acting = await open({ applicationName, settings, statementTimeoutMs, interrupter });
    sessions.push(acting);
    if (acting.facts.inRecovery) {
      throw new TargetError('in_recovery', 'The server is a standby; maintenance is done on its primary.');
    }
    await lockTarget(acting, signal);
    await failpoint('session.locked');
    await interrupter.prepare();
    const observing = await open({ ...looking, applicationName: `${applicationName}/observer`, interrupter });
    sessions.push(observing);
    interrupter.watch(() => {
      for (const session of sessions) session.lose('the server does not answer any more');
    });
    return await use(
      asTargetSession(acting, signal, programs, timings),
      asReader(observing, signal, programs, 'reads go on'),
    );
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
    await interrupter.close();
  }
}
