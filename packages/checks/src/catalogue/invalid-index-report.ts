import {
  type CheckReport,
  type FindingObject,
  objectKey,
  type SkippedObject,
  type UnknownObject,
} from '@slacktide/domain';
import type { InvalidIndexSightings, InvalidSighting } from './invalid-indexes.ts';

/** What both checks of invalid indexes say of those that cannot be judged now. */
export interface Unsettled {
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
}

/** Indexes somebody works on, or that our role or a lock keeps from being judged. */
export function unsettled(sightings: readonly InvalidSighting[], readStatsGrant: string): Unsettled {
  const keyed = sightings.map((sighting) => ({ ...sighting, object: objectKey(sighting) }));
  return {
    skipped: keyed.filter(({ work }) => work === 'running').map(({ object }) => ({ object, reason: 'in_progress' })),
    unknown: keyed.flatMap<UnknownObject>(({ object, work, locked }) => {
      if (work === 'hidden')
        return [
          {
            object,
            reason: 'an index is being built on its table, and our role cannot see which',
            grant: readStatsGrant,
          },
        ];
      return work === 'none' && locked ? [{ object, reason: 'locked', grant: null }] : [];
    }),
  };
}

/** What is said of a standby: the sessions that build an index on the primary cannot be seen from it. */
export function standbyReport(check: CheckReport['check'], { database }: InvalidIndexSightings): CheckReport {
  const reason = 'in recovery: whether an index is being built shows on the primary alone';
  return {
    check,
    checked: 0,
    skipped: [],
    unknown: [{ object: database, reason, grant: null }],
    findings: [],
    unjudged: 'all',
    figures: {},
  };
}

export function indexObject({
  schema,
  name,
  table,
}: Pick<InvalidSighting, 'schema' | 'name' | 'table'>): FindingObject {
  return { kind: 'index', schema, name, table };
}
