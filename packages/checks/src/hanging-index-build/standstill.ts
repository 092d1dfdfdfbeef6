import type { CheckSnapshot } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { Build } from './read-builds.ts';

/** What later looks have to know of a build. */
function traceOf(build: Build): JsonObject {
  return {
    pid: build.pid,
    backend_start: build.backendStart,
    phase: build.phase,
    index_oid: build.index?.oid ?? 0,
    locker_pid: build.lockerPid ?? 0,
    lockers_done: build.lockersDone,
    blocks_done: build.blocksDone,
    tuples_done: build.tuplesDone,
    partitions_done: build.partitionsDone,
    io: build.waitEventType === 'IO',
  };
}

export function snapshotOf(builds: readonly Build[]): JsonObject {
  return { builds: builds.map(traceOf) };
}

/** For how long a build has been where it is, by how many looks in a row, this one included. */
export interface Standstill {
  readonly seconds: number;
  readonly looks: number;
}

const waitingKeys = ['pid', 'backend_start', 'phase', 'index_oid', 'locker_pid', 'lockers_done'] as const;
const workingKeys = [...waitingKeys, 'blocks_done', 'tuples_done', 'partitions_done', 'io'] as const;

/** As `now`, by `earlier` looks (newest first) back to the first that saw it elsewhere: waiting for somebody else, or with other counters. */
export function standstillOf(
  build: Build,
  earlier: readonly CheckSnapshot[],
  now: Date,
  what: 'waiting' | 'working',
): Standstill {
  const trace = traceOf(build);
  const keys = what === 'waiting' ? waitingKeys : workingKeys;
  const isSame = ({ values }: CheckSnapshot): boolean =>
    asObjects(values['builds']).some((before) => keys.every((key) => before[key] === trace[key]));
  const differs = earlier.findIndex((snapshot) => !isSame(snapshot));
  const same = differs === -1 ? earlier : earlier.slice(0, differs);
  const since = same.at(-1)?.at ?? now;
  return { seconds: Math.max(0, (now.getTime() - since.getTime()) / 1_000), looks: same.length + 1 };
}

function asObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value : [];
}
