import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { IndexFacts } from './index-facts.ts';
import { reasonToSkip, worthMeasuring } from './qualify.ts';
import type { IndexRebuildConfig } from './schema.ts';
import { type BtreeFigures, type Waste, wasteOf } from './waste.ts';

/** What is known of an index's waste. */
export type Measurement =
  | { readonly kind: 'measured'; readonly waste: Waste }
  /** `grant` is what cures it, where something does. */
  | { readonly kind: 'unmeasured'; readonly reason: string; readonly grant: string | null };

interface Pgstattuple {
  readonly schema: string;
  readonly usable: boolean;
  readonly grant: string;
  readonly blockBytes: number;
}

/** An index as far as measuring it goes. */
type Measurable = Pick<IndexFacts, 'oid' | 'fillfactor'>;

/** The function of the extension, not one that somebody named alike. */
const pgstattupleSql = `
SELECT quote_ident(n.nspname) AS schema,
  has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE') AS usable,
  format('GRANT USAGE ON SCHEMA %I TO %I; GRANT EXECUTE ON FUNCTION %I.pgstatindex(regclass) TO %I',
    n.nspname, current_user, n.nspname, current_user) AS "grant",
  current_setting('block_size')::float8 AS "blockBytes"
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
  AND d.classid = 'pg_proc'::regclass
JOIN pg_proc p ON p.oid = d.objid AND p.proname = 'pgstatindex' AND p.pronargs = 1 AND p.proargtypes[0] = 'regclass'::regtype
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE e.extname = 'pgstattuple'`;

/**
 * Measures the waste of every index that might be rebuilt, the largest first, reading no more than `max_measured_mb`.
 * What cannot be measured says why: a bloat estimate from statistics can be off by the whole index, so there is none.
 */
export async function measureWaste(
  reader: TargetReader,
  indexes: readonly IndexFacts[],
  config: IndexRebuildConfig,
): Promise<Map<number, Measurement>> {
  const candidates = indexes
    .filter((index) => reasonToSkip(index, reader.serverVersion) === null && worthMeasuring(index, config))
    .toSorted((a, b) => (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0));
  const measurements = new Map<number, Measurement>();
  if (candidates.length === 0) return measurements;
  const [pgstattuple] = await reader.query<Pgstattuple>(pgstattupleSql);
  let budgetBytes = config.max_measured_mb * 1024 * 1024;
  for (const index of candidates) {
    const sizeBytes = index.sizeBytes ?? 0;
    if (pgstattuple === undefined || !pgstattuple.usable) {
      measurements.set(index.oid, unavailable(pgstattuple));
    } else if (sizeBytes > budgetBytes) {
      measurements.set(index.oid, { kind: 'unmeasured', reason: 'over_max_measured_mb', grant: null });
    } else {
      budgetBytes -= sizeBytes;
      measurements.set(index.oid, await measure(reader, index, pgstattuple));
    }
  }
  return measurements;
}

function unavailable(pgstattuple: Pgstattuple | undefined): Measurement {
  return pgstattuple === undefined
    ? { kind: 'unmeasured', reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' }
    : { kind: 'unmeasured', reason: 'insufficient_privilege', grant: pgstattuple.grant };
}

/** Measures one B-tree index that was just rebuilt; null where that cannot be done. */
export async function measureRebuilt(reader: TargetReader, index: Measurable): Promise<Waste | null> {
  const [pgstattuple] = await reader.query<Pgstattuple>(pgstattupleSql);
  if (pgstattuple?.usable !== true) return null;
  const measurement = await measure(reader, index, pgstattuple);
  return measurement.kind === 'measured' ? measurement.waste : null;
}

async function measure(reader: TargetReader, index: Measurable, pgstattuple: Pgstattuple): Promise<Measurement> {
  try {
    const [figures] = await reader.query<BtreeFigures>(
      `SELECT index_size::float8 AS "indexBytes", internal_pages::float8 AS "internalPages", leaf_pages::float8 AS "leafPages",
  nullif(avg_leaf_density, 'NaN') AS "leafDensity" FROM ${pgstattuple.schema}.pgstatindex($1::oid::regclass)`,
      [index.oid],
    );
    if (figures === undefined) throw new Error('expected one row from pgstatindex');
    return { kind: 'measured', waste: wasteOf(figures, index.fillfactor, pgstattuple.blockBytes) };
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    // Dropped meanwhile, locked, too large for the time: this one is unknown, the others are not.
    const reason = error.code === 'statement_failed' ? `statement_failed: ${error.message}` : error.code;
    return { kind: 'unmeasured', reason, grant: null };
  }
}
