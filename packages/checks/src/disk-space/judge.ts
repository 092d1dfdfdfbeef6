import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport, UnknownObject } from '@slacktide/domain';
import { capacityFinding } from './capacity-finding.ts';
import { growthOf, type Sample } from './growth.ts';
import type { DiskFacts } from './read.ts';
import type { DiskSpaceConfig } from './schema.ts';
import { walAtLeast, walFinding } from './wal-finding.ts';

/** `earlier` looks, newest first. */
export function judgeDiskSpace(
  facts: DiskFacts,
  earlier: readonly CheckSnapshot[],
  config: DiskSpaceConfig,
): CheckReport {
  const { databases, tablespaces, wal, nowMs, logBytes } = facts;
  const usedBytes = usedIn(facts);
  const own = databases.find(({ name }) => name === facts.database)?.bytes ?? null;
  const growth = growthOf(samplesOf(earlier, 'used', nowMs, usedBytes));
  const databaseGrowth = growthOf(samplesOf(earlier, 'database', nowMs, own));
  const parts = {
    tablespace_bytes: Object.fromEntries(tablespaces.map(({ name, bytes }) => [name, bytes])),
    wal_bytes: wal.bytes,
    log_bytes: logBytes,
    temporary_bytes: facts.temporaryBytes,
  };
  const capacity =
    config.capacity_mb === 0 || usedBytes === null ? undefined : capacityFinding(usedBytes, growth, parts, config);
  const findings = [capacity, walFinding(wal, config)].filter((finding) => finding !== undefined);
  const measured = [...databases, ...tablespaces].filter(({ bytes }) => bytes !== null).length;
  return {
    check: 'disk_space',
    checked: measured + Number(wal.bytes !== null) + Number(config.capacity_mb > 0 && usedBytes !== null),
    skipped: [],
    // What slots keep may be seen, and be too much, where pg_wal itself is not.
    unknown: whatIsUnknown(facts, usedBytes, config).filter(
      ({ object }) => !findings.some((finding) => finding.object.name === object),
    ),
    findings,
    unjudged: [],
    figures: {
      used_bytes: usedBytes,
      used_percent: config.capacity_mb === 0 || usedBytes === null ? null : percentOf(usedBytes, config.capacity_mb),
      databases_bytes: addUp(databases.map(({ bytes }) => bytes)),
      database_bytes: own,
      ...parts,
      wal_at_least_bytes: walAtLeast(wal),
      growth_bytes_per_day: growth?.perDay ?? null,
      database_growth_bytes_per_day: databaseGrowth?.perDay ?? null,
    },
    snapshot: { at_ms: Math.round(nowMs), used: usedBytes, database: own, wal: wal.bytes },
  };
}

/** Everything we can see inside the data directory, temporary files included; null = a part is hidden. */
function usedIn({ tablespaces, wal, logBytes, logIsInside }: DiskFacts): number | null {
  const inside = tablespaces.filter(({ location }) => location === null).map(({ bytes }) => bytes);
  return addUp([...inside, wal.bytes, logIsInside ? logBytes : 0]);
}

/** Null as soon as one is. */
function addUp(sizes: readonly (number | null)[]): number | null {
  return sizes.reduce((sum, bytes) => (sum === null || bytes === null ? null : sum + bytes), 0);
}

function percentOf(bytes: number, capacityMiB: number): number {
  return Math.round((1000 * bytes) / (capacityMiB * 1024 * 1024)) / 10;
}

/** Oldest first, the present last. */
function samplesOf(earlier: readonly CheckSnapshot[], key: string, nowMs: number, bytes: number | null): Sample[] {
  const samples = earlier.flatMap(({ values }) =>
    typeof values[key] === 'number' ? [{ atMs: Number(values['at_ms']), bytes: values[key] }] : [],
  );
  return [...samples.reverse(), ...(bytes === null ? [] : [{ atMs: nowMs, bytes }])];
}

function whatIsUnknown(facts: DiskFacts, usedBytes: number | null, config: DiskSpaceConfig): UnknownObject[] {
  const { databases, tablespaces, wal, sizesGrant, directoriesGrant } = facts;
  const hidden = (objects: DiskFacts['databases'], kind: string): UnknownObject[] =>
    objects.flatMap(({ name, bytes }) =>
      bytes === null ? [{ object: `${kind} ${name}`, reason: 'our role may not see its size', grant: sizesGrant }] : [],
    );
  const unknown = [...hidden(databases, 'database'), ...hidden(tablespaces, 'tablespace')];
  if (wal.bytes === null) {
    unknown.push({ object: 'pg_wal', reason: 'our role may not list it', grant: directoriesGrant });
  }
  if (facts.logBytes === null) {
    unknown.push({ object: 'log', reason: 'our role may not list it', grant: directoriesGrant });
  }
  if (config.capacity_mb === 0) {
    const reason = 'PostgreSQL cannot see how large or full a volume is: give the size of its volume as capacity_mb';
    unknown.push({ object: 'free space', reason, grant: null });
  } else if (usedBytes === null) {
    const reason = 'our role may not see everything that is in it';
    unknown.push({ object: 'data directory', reason, grant: directoriesGrant });
  }
  for (const { name, location } of tablespaces) {
    if (location === null) continue;
    const reason = 'capacity_mb is of the volume of the data directory, and this tablespace is elsewhere';
    unknown.push({ object: `free space of tablespace ${name}`, reason, grant: null });
  }
  return unknown;
}
