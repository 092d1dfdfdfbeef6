import type { PlannedStep } from '@slacktide/application/ports';
import type { IndexFacts } from './index-facts.ts';
import type { Waste } from './waste.ts';

/** Table read plus index written on a slow cloud disk: an estimate should rather be too long. */
const bytesPerSecond = 50 * 1024 * 1024;

/** The new index beside the old one, with room for what is written meanwhile. */
const copyFactor = 1.2;
/** Methods whose build sorts all entries first, on disk where they are many. */
const sortingMethods = ['btree', 'hash'];

/** An index that is to be rebuilt, and what speaks for it and against it. */
export interface Rebuild {
  readonly index: IndexFacts;
  /** Null = it was not measured. */
  readonly waste: Waste | null;
  /** What its history advises instead; null = nothing against a rebuild. */
  readonly advice: string | null;
}

/** Its REINDEX. */
export function toStep({ index, waste, advice }: Rebuild): PlannedStep {
  const { oid, schema, name, quoted, sizeBytes, tableSizeBytes } = index;
  return {
    key: quoted,
    object: { kind: 'index', oid, schema, name },
    statements: [`REINDEX INDEX CONCURRENTLY ${quoted}`],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds:
      sizeBytes === null || tableSizeBytes === null ? null : Math.ceil((sizeBytes + tableSizeBytes) / bytesPerSecond),
    reversible: false,
    ...(advice === null ? {} : { advice }),
    cost: { action: 'reindex', tempDiskBytes: tempDiskBytes(index), walBytes: sizeBytes },
    data: {
      table_oid: index.tableOid,
      table: index.quotedTable,
      waste_percent: waste?.percent ?? null,
      waste_bytes: waste?.bytes ?? null,
    },
  };
}

function tempDiskBytes({ sizeBytes, method }: IndexFacts): number | null {
  if (sizeBytes === null) return null;
  return Math.ceil(sizeBytes * (copyFactor + (sortingMethods.includes(method) ? 1 : 0)));
}
