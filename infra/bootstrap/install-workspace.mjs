import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { runStep } from './run-step.mjs';

/** In node_modules, so that removing those removes it. */
const stampFile = join(root, 'node_modules', '.slacktide-installed');

/** Installs the workspace unless what is installed came from the very same manifests. */
export async function installWorkspace({ node, pnpm, env }) {
  const stamp = manifestsHash();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  console.log('slacktide: installing dependencies');
  const flags = [
    '--frozen-lockfile',
    '--prefer-offline',
    '--config.confirmModulesPurge=false',
    '--reporter=append-only',
    '--loglevel=warn',
  ];
  await runStep(node, [pnpm, 'install', ...flags], { cwd: root, env });
  writeFileSync(stampFile, stamp);
}

/** The lock file, the workspace file and every package.json of the workspace. */
function manifestsHash() {
  const packages = ['apps', 'packages', 'infra'].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name)),
  );
  const manifests = ['', 'test', ...packages].map((folder) => join(folder, 'package.json'));
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests.sort()]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`${file}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}
