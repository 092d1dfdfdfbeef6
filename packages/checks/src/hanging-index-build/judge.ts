import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport } from '@slacktide/domain';
import { buildsCorruptIndexes } from '../catalogue/new-index-name.ts';
import { type Hang, hangingFinding } from './hanging-finding.ts';
import type { Blocker } from './read-blockers.ts';
import type { Build, Builds } from './read-builds.ts';
import type { HangingIndexBuildConfig } from './schema.ts';
import { snapshotOf, standstillOf } from './standstill.ts';

export interface HangingBuildFacts extends Builds {
  readonly serverVersion: number;
  readonly blockers: readonly Blocker[];
  readonly signalGrant: string;
}

/** Compares with what `earlier` looks (newest first) saw. */
export function judgeIndexBuilds(
  facts: HangingBuildFacts,
  earlier: readonly CheckSnapshot[],
  now: Date,
  config: HangingIndexBuildConfig,
): CheckReport {
  const { builds, hidden, serverVersion } = facts;
  const mayCorrupt = buildsCorruptIndexes(serverVersion);
  const hangs = builds
    .flatMap((build) => hangOf(build, earlier, now, config) ?? [])
    .toSorted((a, b) => b.seconds - a.seconds);
  // Builds whose index nobody sees yet go by their table, which may have several.
  const byObject = Map.groupBy(hangs, ({ build }) => `${build.schema}.${build.index?.name ?? ''}.${build.table}`);
  return {
    check: 'hanging_index_build',
    checked: builds.length,
    skipped: facts.inRecovery
      ? [{ object: facts.database, reason: 'in recovery: no index is built on a standby' }]
      : [],
    unknown: hidden.map(({ pid, tables }) => ({
      object: tables[0] ?? `session ${pid}`,
      reason: 'our role cannot see how far the build of an index is',
      grant: facts.readStatsGrant,
    })),
    findings: [...byObject.values()].flatMap(([hang, ...others]) =>
      hang === undefined
        ? []
        : [
            hangingFinding(hang, {
              blockers: facts.blockers.filter(({ build }) => build === hang.build.pid),
              signalGrant: facts.signalGrant,
              alsoHanging: others.map(({ build }) => build.pid),
              mayCorrupt,
            }),
          ],
    ),
    unjudged: hidden.length > 0 ? 'all' : [],
    figures: {
      active_builds: builds.length + hidden.length,
      hanging_builds: hangs.length,
      hidden_builds: hidden.length,
      concurrent_builds_may_corrupt: mayCorrupt,
    },
    ...(builds.length === 0 ? {} : { snapshot: snapshotOf(builds) }),
  };
}

function hangOf(
  build: Build,
  earlier: readonly CheckSnapshot[],
  now: Date,
  config: HangingIndexBuildConfig,
): Hang | null {
  if (build.lockWaitSeconds !== null || build.phase.startsWith('waiting for ')) {
    // The server tells how long; our own looks stand in where it does not yet.
    const seconds = build.lockWaitSeconds ?? standstillOf(build, earlier, now, 'waiting').seconds;
    return seconds >= 60 * config.waiting_minutes ? { build, kind: 'waiting', seconds } : null;
  }
  if (build.waitEventType === 'IO' || !isCounting(build)) return null;
  const { seconds, looks } = standstillOf(build, earlier, now, 'working');
  const hangs = looks >= config.working_looks && seconds >= 60 * config.working_minutes;
  return hangs ? { build, kind: 'working', seconds } : null;
}

/** Sorting is not counted, so that counters at their end, or without one, say nothing. */
function isCounting({ blocksDone, blocksTotal, tuplesDone, tuplesTotal }: Build): boolean {
  return blocksDone < blocksTotal || tuplesDone < tuplesTotal;
}
