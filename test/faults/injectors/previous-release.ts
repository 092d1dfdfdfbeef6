import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const pnpm = join(checkout, 'infra/bootstrap/toolchain/node_modules/pnpm/bin/pnpm.cjs');

/** The last commit whose processes know nothing of recovery (schema 0001): the release that a deployment replaces. */
const commit = '9338db0';

/** Why the previous release cannot be had here; undefined when it can. */
export async function whyNoPreviousRelease(): Promise<string | undefined> {
  if (!existsSync(pnpm)) return 'pnpm of the toolchain is missing: run the tests by npm test once';
  return await runCommand('git', ['-C', checkout, 'cat-file', '-e', `${commit}^{commit}`]).then(
    () => undefined,
    () => `the history ends before ${commit} (a shallow clone?): git fetch --unshallow`,
  );
}

/**
 * Directory of the previous release's sources with their own dependencies installed. Made once a checkout by
 * unpacking the commit; removing the directory is always safe.
 */
export async function previousRelease(): Promise<string> {
  // Ignored by git, and by every tool that reads the sources of `test`.
  const releases = join(checkout, 'test', '.slacktide', 'releases');
  const place = join(releases, commit);
  if (existsSync(place)) return place;
  await mkdir(releases, { recursive: true });
  const unfinished = await mkdtemp(join(releases, `${commit}-unfinished-`));
  try {
    const archive = `${unfinished}.tar`;
    await runCommand('git', ['-C', checkout, 'archive', '--output', archive, commit]);
    await runCommand('tar', ['-x', '-f', archive, '-C', unfinished]);
    await rm(archive);
    const flags = ['--frozen-lockfile', '--prefer-offline', '--ignore-scripts', '--prod', '--loglevel=error'];
    await runCommand(process.execPath, [pnpm, '--dir', unfinished, 'install', ...flags], { limitMs: 120_000 });
    await rename(unfinished, place);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another run was quicker.
    if (!existsSync(place)) throw error;
  }
  return place;
}
