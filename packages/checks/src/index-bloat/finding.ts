import { type FindingObject, type FoundFinding, objectKey } from '@slacktide/domain';
import { byteText } from '../catalogue/byte-text.ts';
import type { IndexRow } from './read.ts';
import type { IndexBloatConfig } from './schema.ts';
import { type BtreeFigures, btreeWaste, type GinFigures, type HashFigures, hashWaste, type Waste } from './waste.ts';

/** What decides whether a rebuild can be proposed, besides the index itself. */
export interface Server {
  readonly inRecovery: boolean;
  /** server_version_num. */
  readonly serverVersion: number;
}

/** 14.0 to 14.3: CREATE and REINDEX CONCURRENTLY could leave entries out. */
const corruptingVersions = { from: 140_000, to: 140_003 };

export function indexObject({ schema, name, table, toastOf }: IndexRow): FindingObject {
  return { kind: toastOf === null ? 'index' : 'toast_index', schema, name, table };
}

/** What to report of a measured btree or hash index; undefined = nothing. */
export function bloatFinding(
  index: IndexRow,
  figures: BtreeFigures | HashFigures,
  config: IndexBloatConfig,
  server: Server,
): FoundFinding | undefined {
  const waste = wasteOf(figures);
  const { sizeBytes } = figures;
  if (waste.percent < config.bloat_threshold || sizeBytes < config.min_size_mb * 1024 * 1024) return undefined;
  const worthRebuilding = waste.percent >= config.rebuild_threshold;
  const obstacle = worthRebuilding
    ? rebuildObstacle(index, server)
    : 'indexes with random inserts settle at such a waste: a rebuild would not last';
  const key = objectKey(index);
  const of = index.toastOf === null ? '' : ` of the TOAST table of ${index.toastOf}`;
  return {
    fingerprint: fingerprintOf(index),
    severity: worthRebuilding ? 'warning' : 'info',
    object: indexObject(index),
    summary: `Index ${key}${of} wastes ${waste.percent} % of its ${byteText(sizeBytes)}: ${byteText(waste.bytes)}${
      figures.method === 'hash' ? ' at least' : ''
    }`,
    evidence: {
      method: figures.method,
      waste_percent: waste.percent,
      waste_bytes: waste.bytes,
      vacant_percent: waste.vacantPercent,
      size_bytes: sizeBytes,
      ...evidenceOf(figures),
      bytes_per_tuple: index.estimatedTuples > 0 ? Math.round(sizeBytes / index.estimatedTuples) : null,
      ...whereabouts(index),
      ...(obstacle === null ? {} : { no_action_because: obstacle }),
    },
    action:
      obstacle === null
        ? { sql: [index.rebuildSql], rollbackSql: [], lockMode: 'SHARE UPDATE EXCLUSIVE', class: 'idempotent' }
        : null,
  };
}

/** Entries that wait in a GIN index's pending list, which every search reads from end to end. */
export function pendingFinding(
  index: IndexRow,
  { sizeBytes, pendingPages, pendingTuples, blockBytes }: GinFigures,
  config: IndexBloatConfig,
  { inRecovery }: Server,
): FoundFinding | undefined {
  const pendingBytes = pendingPages * blockBytes;
  const percent = sizeBytes === 0 ? 0 : Math.round((1000 * pendingBytes) / sizeBytes) / 10;
  if (percent < config.bloat_threshold || pendingBytes < config.min_size_mb * 1024 * 1024) return undefined;
  return {
    fingerprint: fingerprintOf(index),
    severity: 'info',
    object: indexObject(index),
    summary: `${pendingTuples} entries of index ${objectKey(index)} (${byteText(pendingBytes)}) wait in its pending list, which every search reads`,
    evidence: {
      method: 'gin',
      pending_percent: percent,
      pending_bytes: pendingBytes,
      pending_tuples: pendingTuples,
      size_bytes: sizeBytes,
      ...whereabouts(index),
      ...(inRecovery ? { no_action_because: 'the server is a standby' } : {}),
    },
    action: inRecovery
      ? null
      : { sql: [index.cleanPendingSql], rollbackSql: [], lockMode: 'ROW EXCLUSIVE', class: 'idempotent' },
  };
}

export function wasteOf(figures: BtreeFigures | HashFigures): Waste {
  return figures.method === 'btree' ? btreeWaste(figures) : hashWaste(figures);
}

/** The name of a TOAST table is made of an OID, that of its owner is not. */
function fingerprintOf({ quoted, toastOf }: IndexRow): string {
  return toastOf === null ? `index:${quoted}` : `toast_index:${toastOf}`;
}

/** Why REINDEX CONCURRENTLY is not to be proposed; null = it is. */
function rebuildObstacle(index: IndexRow, { inRecovery, serverVersion }: Server): string | null {
  if (inRecovery) return 'the server is a standby';
  if (index.system)
    return 'REINDEX CONCURRENTLY takes no index of a catalogue, and a plain REINDEX blocks whoever needs it';
  if (index.exclusionConstraint) {
    return 'REINDEX CONCURRENTLY takes no index of an exclusion constraint, and a plain REINDEX blocks reads and writes';
  }
  if (serverVersion >= corruptingVersions.from && serverVersion <= corruptingVersions.to) {
    return 'REINDEX CONCURRENTLY of 14.0 to 14.3 can leave entries out: update the server first';
  }
  return null;
}

function evidenceOf(figures: BtreeFigures | HashFigures): FoundFinding['evidence'] {
  return figures.method === 'btree'
    ? {
        leaf_density_percent: figures.leafDensity,
        fillfactor: figures.fillfactor,
        leaf_pages: figures.leafPages,
        internal_pages: figures.internalPages,
        deleted_pages: figures.deletedPages,
        empty_pages: figures.emptyPages,
      }
    : {
        free_percent: Math.round(figures.freePercent * 10) / 10,
        fillfactor: figures.fillfactor,
        bucket_pages: figures.bucketPages,
        overflow_pages: figures.overflowPages,
        unused_pages: figures.unusedPages,
      };
}

function whereabouts({ toastOf, partitionOf }: IndexRow): FoundFinding['evidence'] {
  return {
    ...(toastOf === null ? {} : { toast_of: toastOf }),
    ...(partitionOf === null ? {} : { partition_of: partitionOf }),
  };
}
