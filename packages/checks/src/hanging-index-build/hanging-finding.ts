import type { FindingAction, FoundFinding, JsonObject } from '@slacktide/domain';
import { redactStatement } from '@slacktide/domain';
import { describeAge, refusalEvidence } from '../catalogue/sessions.ts';
import type { Blocker } from './read-blockers.ts';
import type { Build } from './read-builds.ts';

/** How a build hangs. */
export interface Hang {
  readonly build: Build;
  readonly kind: 'waiting' | 'working';
  readonly seconds: number;
}

export interface Circumstances {
  readonly blockers: readonly Blocker[];
  readonly signalGrant: string;
  /** Other builds of the same table that hang, and are as little told apart. */
  readonly alsoHanging: readonly number[];
  /** The server is one whose concurrent builds may leave rows out. */
  readonly mayCorrupt: boolean;
}

export function hangingFinding(hang: Hang, circumstances: Circumstances): FoundFinding {
  const { build, kind, seconds } = hang;
  const { blockers, alsoHanging, mayCorrupt } = circumstances;
  const object = { kind: build.index === null ? 'table' : 'index', name: build.index?.name ?? build.table };
  const { action, evidence } = endRoot(kind, blockers, circumstances.signalGrant);
  const what = build.index === null ? 'an index' : build.index.quoted;
  return {
    fingerprint: `${object.kind}:${build.schema}.${object.name}`,
    severity: 'warning',
    object: { ...object, schema: build.schema, table: build.table },
    summary: `${build.command} of ${what} on ${build.quotedTable} ${describe(hang, blockers)}`,
    evidence: {
      command: build.command,
      phase: build.phase,
      hangs: kind,
      waited_seconds: Math.floor(seconds),
      running_seconds: floor(build.runningSeconds),
      pid: build.pid,
      backend_start: build.backendStart,
      user: build.user,
      application: build.applicationName,
      wait_event: build.waitEventType === null ? null : `${build.waitEventType}: ${build.waitEvent}`,
      lockers_done: build.lockersDone,
      lockers_total: build.lockersTotal,
      blocks_done: build.blocksDone,
      blocks_total: build.blocksTotal,
      tuples_done: build.tuplesDone,
      tuples_total: build.tuplesTotal,
      query: redactStatement(build.query ?? ''),
      blockers: blockers.map(blockerEvidence),
      ...(alsoHanging.length === 0 ? {} : { also_hanging_pids: alsoHanging }),
      ...(build.command.endsWith('CONCURRENTLY')
        ? { when_cancelled: 'it leaves an invalid index behind: see invalid_index and orphaned_index' }
        : {}),
      ...(mayCorrupt
        ? {
            corruption_risk:
              'PostgreSQL 14.0 to 14.3 may leave rows out of an index that is built CONCURRENTLY: update to 14.4 or later, then check it with amcheck (heapallindexed)',
          }
        : {}),
      ...evidence,
    },
    action,
  };
}

function describe({ build, kind, seconds }: Hang, blockers: readonly Blocker[]): string {
  const age = describeAge(seconds);
  if (kind === 'working') return `has made no progress for ${age} in phase "${build.phase}"`;
  const [first] = blockers;
  if (first === undefined) return `has waited for ${age} in phase "${build.phase}"`;
  const whom =
    first.pid === null
      ? `prepared transaction "${first.preparedTransaction}"`
      : `session ${first.pid} (user ${first.user}, application "${first.applicationName}", ${first.state ?? 'state hidden'})`;
  return `has waited for ${age} in phase "${build.phase}" for ${whom}`;
}

function blockerEvidence(blocker: Blocker): JsonObject {
  return {
    depth: blocker.depth,
    pid: blocker.pid,
    ...(blocker.preparedTransaction === null ? {} : { prepared_transaction: blocker.preparedTransaction }),
    user: blocker.user,
    application: blocker.applicationName,
    backend_type: blocker.backendType,
    state: blocker.state,
    state_seconds: floor(blocker.stateSeconds),
    transaction_seconds: floor(blocker.transactionSeconds),
    waits_for: blocker.waitsFor,
    query: blocker.hidden || blocker.query === null ? null : redactStatement(blocker.query),
  };
}

function floor(seconds: number | null): number | null {
  return seconds === null ? null : Math.floor(seconds);
}

interface End {
  readonly action: FindingAction | null;
  readonly evidence: JsonObject;
}

/** Ends who is at the root of it all, if that is one client that idles in a transaction; anybody else is at work, or not ours to end. */
function endRoot(kind: Hang['kind'], blockers: readonly Blocker[], signalGrant: string): End {
  const because = (reason: string): End => ({ action: null, evidence: { no_action_because: reason } });
  if (kind === 'working') return because('it waits for nobody: a person has to find out why it stands still');
  const roots = blockers.filter(({ waitsFor }) => waitsFor.length === 0);
  const [root] = roots;
  if (root === undefined) return because('nobody was found at the root of the wait');
  if (roots.length > 1) return because(`${roots.length} are at the root of the wait: ending one of them may not help`);
  if (root.pid === null) {
    return because(
      `only its transaction manager can know whether prepared transaction "${root.preparedTransaction}" is to be committed or rolled back`,
    );
  }
  if (root.hidden) return because(`our role cannot see what session ${root.pid} does`);
  if (root.backendType !== 'client backend') return because(`session ${root.pid} is a ${root.backendType}, no client`);
  if (root.applicationName?.startsWith('slacktide/') === true) return because(`session ${root.pid} is our own`);
  if (root.state?.startsWith('idle in transaction') !== true || root.endSql === null) {
    return because(`session ${root.pid} is ${root.state}, not idle in a transaction: it may end by itself`);
  }
  if (root.refusal !== null) return { action: null, evidence: refusalEvidence(root.refusal, signalGrant) };
  return {
    action: { sql: [root.endSql], rollbackSql: [], lockMode: null, class: 'never_retry' },
    evidence: { action_ends: root.pid },
  };
}
