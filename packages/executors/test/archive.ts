import { expect, onTestFinished } from 'vitest';
import { type PostgresMajor, startPostgres } from '../../../test/support/postgres.ts';
import { openRig, type TargetRig } from './target-rig.ts';

/** A server of the running test's own that archives by a command which can be changed; at first there is none. */
export async function openArchiving(
  major: PostgresMajor,
): Promise<{ readonly rig: TargetRig; readonly url: string; archiveBy(command: string): Promise<void> }> {
  const server = await startPostgres(major, { flags: ['archive_mode=on'] });
  onTestFinished(() => server.stop());
  const rig = await openRig({ url: server.url, drop: async () => undefined });
  return {
    rig,
    url: server.url,
    archiveBy: async (command) => {
      await rig.sql(`ALTER SYSTEM SET archive_command = '${command}'`);
      await rig.sql('SELECT pg_reload_conf()');
      await expect
        .poll(async () => (await rig.sql('SELECT current_setting($1) AS value', ['archive_command']))[0])
        .toEqual({ value: command });
    },
  };
}
