import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { toolchainDir } from './paths.mjs';
import { runStep } from './run-step.mjs';

const neededMajor = 24;
const nodePackage = `node-${process.platform}-${process.arch}`;

/** Makes Node and pnpm available, from npm where the machine has none that fits. Returns both, and the environment to run them in. */
export async function prepareToolchain() {
  const wanted = readJson(join(toolchainDir, 'package.json'));
  const ownNodeFits = Number(process.versions.node.split('.')[0]) >= neededMajor;
  const wantedNode = wanted.optionalDependencies[nodePackage];
  if (!ownNodeFits && !wantedNode) {
    throw new Error(
      `Node ${neededMajor} or newer is needed, this is ${process.version}, and npm has none for ` +
        `${process.platform}-${process.arch}: install it from nodejs.org.`,
    );
  }
  const complete =
    isInstalled('pnpm', wanted.dependencies.pnpm) && (ownNodeFits || isInstalled(nodePackage, wantedNode));
  if (!complete) {
    console.log(`slacktide: getting pnpm${ownNodeFits ? '' : ` and Node ${wantedNode}`} from npm (once)`);
    await npmCi(ownNodeFits ? ['--omit=optional'] : []);
  }
  const node = ownNodeFits ? process.execPath : join(toolchainDir, 'node_modules', nodePackage, 'bin', 'node');
  return {
    node,
    pnpm: join(toolchainDir, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs'),
    env: environment(dirname(node), join(toolchainDir, 'node_modules', '.bin')),
  };
}

function isInstalled(name, version) {
  try {
    return readJson(join(toolchainDir, 'node_modules', name, 'package.json')).version === version;
  } catch {
    return false;
  }
}

async function npmCi(flags) {
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...flags];
  // Under `npm start`, npm says where it is; started by hand, it has to be on the PATH.
  const own = process.env.npm_execpath;
  const viaNode = own?.endsWith('npm-cli.js') && existsSync(own);
  try {
    await runStep(viaNode ? process.execPath : 'npm', viaNode ? [own, ...args] : args, { cwd: toolchainDir });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Error('npm is needed to get Slacktide going and is not on the PATH. It comes with Node: nodejs.org.');
  }
}

/**
 * Ours without what npm adds for its scripts: pnpm would warn and take itself for npm. Kept is what a user says by
 * environment about how to reach the registry.
 */
function environment(...directories) {
  const kept = /^npm_config_(registry|userconfig|cafile|strict_ssl|(https?_|no)?proxy|\/\/.*)$/i;
  const entries = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name));
  return { ...Object.fromEntries(entries), PATH: [...directories, process.env.PATH].join(delimiter) };
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
