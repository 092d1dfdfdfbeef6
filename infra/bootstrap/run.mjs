#!/usr/bin/env node
// `npm start` and `npm test` come here first. Plain JavaScript without dependencies, for any Node >= 18: gets Node 24 and
// pnpm from npm where they are missing, installs the workspace when its manifests changed, and runs the command with them.
//   node infra/bootstrap/run.mjs start | test | control-plane | worker | migrate | create-api-key | verify-audit | <any pnpm command>
import { execCommand } from './exec-command.mjs';
import { installWorkspace } from './install-workspace.mjs';
import { withLock } from './lock.mjs';
import { prepareToolchain } from './toolchain.mjs';

const withDrizzle = ['--import', './infra/bootstrap/drizzle-imports.mjs'];
const commands = {
  start: [...withDrizzle, 'infra/local/src/start.ts'],
  'control-plane': [...withDrizzle, 'apps/control-plane/src/main.ts'],
  worker: [...withDrizzle, 'apps/worker/src/main.ts'],
  migrate: [...withDrizzle, 'apps/control-plane/src/migrate.ts'],
  'create-api-key': [...withDrizzle, 'apps/control-plane/src/create-api-key.ts'],
  'verify-audit': [...withDrizzle, 'apps/control-plane/src/verify-audit.ts'],
  test: ['infra/bootstrap/verify.mjs'],
};

const [command = 'start', ...args] = process.argv.slice(2);

try {
  const toolchain = await withLock(async () => {
    const prepared = await prepareToolchain();
    await installWorkspace(prepared);
    return prepared;
  });
  // Without pnpm in between where we can: each process less is one less that may swallow or repeat a signal.
  const direct = commands[command];
  const argv = direct ? [...direct, ...args] : [toolchain.pnpm, command, ...args];
  process.exitCode = await execCommand(toolchain.node, argv, toolchain.env);
} catch (error) {
  console.error(`slacktide: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
