import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { type ClientProgram, type ProgramEnd, TargetError } from '@slacktide/application/ports';
import { type ProgramLogin, programEnvironment } from './program-environment.ts';
import { runProcess } from './program-process.ts';

/** The programs a worker may have, for one target. */
export interface ClientPrograms {
  version(program: ClientProgram): Promise<string | undefined>;
  run(
    program: ClientProgram,
    args: readonly string[],
    options: { readonly applicationName: string; readonly signal: AbortSignal },
  ): Promise<ProgramEnd>;
}

/** Set where a program is not on the PATH, e.g. /usr/lib/postgresql/17/bin/pg_repack. */
const pathVariables: Readonly<Record<ClientProgram, string>> = { pg_repack: 'PG_REPACK' };
const versionPatienceMs = 5_000;

/** `login.env` is the worker's environment, in which programs are looked for. */
export function clientPrograms(login: Omit<ProgramLogin, 'applicationName'>, killAfterMs: number): ClientPrograms {
  const { env } = login;
  return {
    version: async (program) => {
      const path = await findProgram(program, env);
      if (path === undefined) return undefined;
      // Told nothing of the target: it only says who it is.
      const signal = AbortSignal.timeout(versionPatienceMs);
      const run = { path, args: ['--version'], env: { LC_ALL: 'C' }, signal, killAfterMs: versionPatienceMs };
      const end = await runProcess(run).catch(() => undefined);
      return end?.exitCode === 0 ? new RegExp(`^${program} (\\S+)`).exec(end.output)?.[1] : undefined;
    },
    run: async (program, args, { applicationName, signal }) => {
      const path = await findProgram(program, env);
      if (path === undefined) throw new TargetError('statement_failed', `The worker has no ${program}.`);
      return await runProcess({
        path,
        args,
        env: programEnvironment({ ...login, applicationName: `${applicationName}/${program}` }),
        signal,
        killAfterMs,
      });
    },
  };
}

/** Where the worker has it: by its variable, else by the PATH; relative places count as none. */
async function findProgram(program: ClientProgram, env: ProgramLogin['env']): Promise<string | undefined> {
  const named = env[pathVariables[program]];
  const folders = (env['PATH'] ?? '').split(delimiter);
  const candidates = named === undefined || named === '' ? folders.map((folder) => join(folder, program)) : [named];
  for (const candidate of candidates.filter(isAbsolute)) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
}
