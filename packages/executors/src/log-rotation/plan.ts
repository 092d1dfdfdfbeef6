import { isPlainName, shown } from '@slacktide/acting';
import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { type DueFile, dueFiles } from './due-files.ts';
import type { LogFacts } from './facts.ts';
import type { LogRotationConfig } from './schema.ts';

/** A slow cloud disk: read once, written once, read back. */
const bytesPerSecond = 30 * 1024 * 1024;
const bytesPerMb = 1024 * 1024;
const serverLog = 'server_log';

/** The server's log first, then one step a file, the oldest first, within what one run may take on. */
export function planLogRotation(facts: LogFacts, config: LogRotationConfig): Plan {
  const rotation = planServerLog(facts, config);
  const files = dueFiles(facts, config);
  const { taken, left } = withinLimits(files.due, config);
  const unknown = [...rotation.unknown, ...files.unknown];
  // While nothing is due it need not be known which file the server writes to.
  if (facts.serverLog.current === null && facts.serverLog.isCollected && taken.length > 0) {
    unknown.push({ object: serverLog, reason: 'insufficient_privilege', grant: facts.serverLog.currentGrant });
  }
  return {
    steps: [...rotation.steps, ...taken.map(fileStep)],
    checked: files.checked + (config.rotate_server_log ? 1 : 0),
    skipped: [...rotation.skipped, ...files.skipped, ...left],
    unknown,
  };
}

function planServerLog({ serverLog: log }: LogFacts, config: LogRotationConfig) {
  const none = { steps: [], skipped: [], unknown: [] };
  if (!config.rotate_server_log) return none;
  if (!log.isCollected) return { ...none, skipped: [{ object: serverLog, reason: 'logging_collector_off' }] };
  const step: PlannedStep = {
    key: serverLog,
    object: { kind: 'cluster', oid: null, schema: null, name: serverLog },
    statements: ['SELECT pg_catalog.pg_rotate_logfile()'],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: 1,
    reversible: false,
    cost: { action: 'rotate_log', tempDiskBytes: 0, walBytes: 0 },
    data: { action: 'rotate', grant: log.rotateGrant },
  };
  // Without the right the step stays, to fail: it was asked for.
  const unknown = log.mayRotate
    ? []
    : [{ object: serverLog, reason: 'insufficient_privilege', grant: log.rotateGrant }];
  return { ...none, steps: [step], unknown };
}

function withinLimits(due: readonly DueFile[], config: LogRotationConfig) {
  const taken: DueFile[] = [];
  const overFiles: DueFile[] = [];
  const overMb: DueFile[] = [];
  let bytes = 0;
  for (const file of due.toSorted(byAge)) {
    if (taken.length === config.max_files) overFiles.push(file);
    else if (bytes + file.identity.sizeBytes > config.max_mb * bytesPerMb) overMb.push(file);
    else {
      bytes += file.identity.sizeBytes;
      taken.push(file);
    }
  }
  return { taken, left: [...leftOut(overFiles, 'over_max_files'), ...leftOut(overMb, 'over_max_mb')] };
}

function leftOut(files: readonly DueFile[], reason: string): Plan['skipped'] {
  const byFolder = Map.groupBy(files, ({ rule }) => rule.root);
  return [...byFolder].map(([root, some]) => ({ object: shown(root), reason: `${reason}: ${some.length} files` }));
}

function byAge(one: DueFile, other: DueFile): number {
  const [a, b] = [BigInt(one.identity.modifiedNs), BigInt(other.identity.modifiedNs)];
  if (a !== b) return a < b ? -1 : 1;
  return pathOf(one) < pathOf(other) ? -1 : 1;
}

function pathOf({ rule, name }: DueFile): string {
  return `${rule.root}/${name}`;
}

function fileStep(file: DueFile): PlannedStep {
  const { rule, name, identity, folder } = file;
  if (!isPlainName(name)) throw new Error(`expected a plain name, got ${JSON.stringify(name)}`);
  const path = pathOf(file);
  const isWritten = rule.action !== 'delete';
  return {
    key: path,
    object: { kind: 'file', oid: null, schema: null, name: path },
    statements: wordsOf(file),
    lockMode: null,
    sizeBytes: identity.sizeBytes,
    expectedSeconds: isWritten ? Math.ceil(identity.sizeBytes / bytesPerSecond) : 1,
    reversible: isWritten,
    cost: {
      action: `${rule.action}_file`,
      tempDiskBytes: isWritten ? identity.sizeBytes : 0,
      walBytes: 0,
    },
    data: {
      action: rule.action,
      root: rule.root,
      folder: { device: folder.device, inode: folder.inode },
      name,
      archive_to: rule.archive_to,
      identity: { ...identity },
    },
  };
}

/** What is done, as one would do it by hand. */
function wordsOf({ rule, name }: DueFile): readonly string[] {
  const path = shown(`${rule.root}/${name}`);
  switch (rule.action) {
    case 'delete':
      return [`unlink ${path}`];
    case 'compress':
      return [`zstd ${path} -o ${shown(`${rule.root}/${name}.zst`)}`, `unlink ${path}`];
    case 'archive':
      return [`cp --no-clobber ${path} ${shown(`${rule.archive_to}/${name}`)}`, `unlink ${path}`];
  }
}
