import type { CheckReport, FindingAction, FoundFinding } from '@slacktide/domain';
import { buildsCorruptIndexes } from '../catalogue/new-index-name.ts';
import type { Matview, MatviewIndex } from './read.ts';
import type { MatviewIndexConfig } from './schema.ts';
import type { Verified } from './verify-candidates.ts';

const bytesPerMebibyte = 1_048_576;

/** Why no row of a view is looked at; null = they can be. */
export function whyNotVerified(matview: Matview, config: MatviewIndexConfig): string | null {
  if (!matview.populated) return 'it was never populated, so nothing is known of its rows';
  if (config.verify_rows === 0) return 'verify_rows is 0';
  if (matview.locked) return 'locked';
  if (!matview.readable) return 'this role may not read it';
  return matview.userCode
    ? 'an index or statistics of it call functions that somebody defined, which would run with the rights of this role'
    : null;
}

/** Two findings at most about one view: that it is empty, and that it has no index for REFRESH … CONCURRENTLY. */
export function judgeMatviews(
  matviews: readonly Matview[],
  verified: ReadonlyMap<number, Verified>,
  serverVersion: number,
  config: MatviewIndexConfig,
): CheckReport {
  const unpopulated = matviews.filter(({ populated }) => !populated).map(unpopulatedFinding);
  const wanting = matviews
    .filter(({ indexes }) => !indexes.some(({ usable }) => usable))
    .map((matview) => {
      const because = whyNotVerified(matview, config);
      const none: Verified = { kind: 'none', because: because ?? 'no column of it is known to identify its rows' };
      return wantingFinding(
        matview,
        because === null ? (verified.get(matview.oid) ?? none) : none,
        serverVersion,
        config,
      );
    });
  return {
    check: 'matview_index',
    checked: matviews.length,
    skipped: [],
    unknown: [],
    findings: [...unpopulated, ...wanting],
    unjudged: [],
    figures: {
      count: matviews.length,
      index_suggestions: wanting.filter(({ action }) => action !== null).length,
      unpopulated: unpopulated.length,
      without_unique_index: wanting.length,
    },
  };
}

function unpopulatedFinding(matview: Matview): FoundFinding {
  return {
    ...subject(matview, 'unpopulated_matview'),
    severity: 'warning',
    summary: `Materialised view ${matview.schema}.${matview.name} was never populated, or emptied: every query of it fails`,
    evidence: matview.locked
      ? {
          locked: true,
          no_action_because: 'somebody holds or waits for ACCESS EXCLUSIVE on it: it may be about to be populated',
        }
      : { locked: false },
    action: matview.locked
      ? null
      : { sql: [matview.refresh], rollbackSql: [matview.empty], lockMode: 'ACCESS EXCLUSIVE', class: 'idempotent' },
  };
}

function wantingFinding(
  matview: Matview,
  verified: Verified,
  serverVersion: number,
  config: MatviewIndexConfig,
): FoundFinding {
  const { indexes, sizeBytes } = matview;
  const unsafe = buildsCorruptIndexes(serverVersion)
    ? 'CREATE INDEX CONCURRENTLY of this server can leave rows out of the index; update it to 14.4 or later first'
    : null;
  const because = verified.kind === 'none' ? verified.because : unsafe;
  const action = because === null && verified.kind === 'unique' ? creation(verified) : null;
  const what = indexes.length === 0 ? 'no index at all' : 'no unique index that REFRESH … CONCURRENTLY can use';
  return {
    ...subject(matview, 'matview_unique_index'),
    severity: (sizeBytes ?? 0) >= config.large_mb * bytesPerMebibyte ? 'warning' : 'info',
    summary: `Materialised view ${matview.schema}.${matview.name} has ${what}: every refresh locks its readers out${action === null || verified.kind !== 'unique' ? '' : `; each of its ${verified.proposal.rows} rows has its own ${verified.proposal.columns.join(', ')}`}`,
    evidence: {
      size_bytes: sizeBytes,
      scans_of_the_whole: matview.scans,
      indexes: indexes.map(({ name }) => name),
      unique_but_unusable: indexes
        .filter(({ unique }) => unique)
        .map((index) => ({ index: index.name, why: whyUnusable(index) })),
      ...(verified.kind === 'unique'
        ? {
            key: verified.proposal.columns,
            key_known_from: verified.proposal.source,
            rows_verified: verified.proposal.rows,
          }
        : {}),
      ...(because === null ? {} : { no_action_because: because }),
      ...(matview.grant === null ? {} : { verifying_needs: matview.grant }),
    },
    action,
  };
}

function creation({ proposal }: Verified & { kind: 'unique' }): FindingAction {
  return {
    sql: [proposal.create],
    rollbackSql: [proposal.drop],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    class: 'compensable',
  };
}

function whyUnusable({ valid, partial, expression }: MatviewIndex): string {
  if (!valid) return 'not valid';
  if (partial) return 'partial';
  return expression ? 'on an expression' : 'deferrable';
}

function subject({ schema, name }: Matview, kind: string): Pick<FoundFinding, 'fingerprint' | 'object'> {
  return {
    fingerprint: `${kind}:${schema}.${name}`,
    object: { kind: 'materialized_view', schema, name, table: null },
  };
}
