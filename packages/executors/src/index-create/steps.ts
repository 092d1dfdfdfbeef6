import type { PlannedStep } from '@slacktide/application/ports';
import type { IndexDefinition } from '@slacktide/checks';
import type { IndexCreateFacts } from './facts.ts';
import type { IndexCreateConfig } from './schema.ts';
import type { TreeTable } from './tables.ts';

/** An index that is to be made, rebuilt or attached. */
export interface NewIndex {
  /**
   * `build` an index with storage, `whole` a partitioned one without its parts, `attach` what does the same already, `rebuild` a part that is invalid.
   */
  readonly kind: 'build' | 'whole' | 'attach' | 'rebuild';
  readonly table: TreeTable;
  readonly name: { readonly name: string; readonly bare: string; readonly quoted: string };
  /** The partitioned index it becomes a part of, quoted; null = it is the one that was asked for. */
  readonly parent: string | null;
  /** What is attached or rebuilt. */
  readonly existing?: IndexDefinition;
}

/** Table read plus index written on a slow cloud disk: an estimate should rather be too long. */
const bytesPerSecond = 50 * 1024 * 1024;
/** CONCURRENTLY reads the table twice. */
const scans = 2;
/** Header, line pointer and alignment of an index entry. */
const entryOverheadBytes = 16;
const fill = 0.9;

export interface StepContext {
  readonly facts: IndexCreateFacts;
  readonly config: IndexCreateConfig;
  /** With it the index that was asked for must be complete. */
  readonly isLast: boolean;
  /** Brings back what is dropped together with the index that was asked for, and was there before. */
  readonly restore: readonly string[];
  /** The partitioned index that was asked for, quoted; null = the table is not partitioned. */
  readonly rootIndex: string | null;
}

export function toStep(
  { kind, table, name, parent, existing }: NewIndex,
  { facts, config, isLast, restore, rootIndex }: StepContext,
): PlannedStep {
  const unique = config.unique ? 'UNIQUE ' : '';
  const { tail, entryBytes } = facts.shape;
  const attach = parent === null ? [] : [`ALTER INDEX ${parent} ATTACH PARTITION ${name.quoted}`];
  const first = {
    build: [`CREATE ${unique}INDEX CONCURRENTLY ${name.bare} ON ${table.quoted} ${tail}`],
    whole: [`CREATE ${unique}INDEX ${name.bare} ON ONLY ${table.quoted} ${tail}`],
    attach: [],
    rebuild: [`REINDEX INDEX CONCURRENTLY ${name.quoted}`],
  }[kind];
  const builds = kind === 'build' || kind === 'rebuild';
  const sizeBytes = builds ? estimateBytes(config.method, table, entryBytes) : 0;
  const seconds = (scans * table.sizeBytes + (sizeBytes ?? 0)) / bytesPerSecond;
  return {
    key: name.quoted,
    object: { kind: 'index', oid: existing?.oid ?? null, schema: table.schema, name: name.name },
    statements: [...first, ...attach],
    lockMode: lockOf(kind, parent),
    sizeBytes,
    expectedSeconds: builds ? Math.ceil(seconds) : 0,
    reversible: true,
    cost: {
      action: 'create_index',
      // The index, and what is sorted for it.
      tempDiskBytes: sizeBytes === null ? null : 2 * sizeBytes,
      walBytes: sizeBytes,
    },
    data: {
      reason: 'named',
      work: kind,
      table_oid: table.oid,
      table: table.quoted,
      parent,
      root_oid: facts.tables[0]?.oid ?? table.oid,
      root_index: rootIndex,
      not_permitted: facts.tables.flatMap(({ quoted, permitted, grant }) =>
        permitted ? [] : [{ table: quoted, grant }],
      ),
      unique: config.unique,
      is_last: isLast,
      restore: kind === 'whole' && parent === null ? [...restore] : [],
      makes_redundant: parent === null ? [...facts.madeRedundant] : [],
    },
  };
}

/** ATTACH PARTITION locks the part's index with ACCESS EXCLUSIVE, which whoever plans a query of its table waits for. */
function lockOf(kind: NewIndex['kind'], parent: string | null): string {
  if (parent !== null) return 'ACCESS EXCLUSIVE';
  return kind === 'whole' ? 'SHARE' : 'SHARE UPDATE EXCLUSIVE';
}

/** Null = nobody has counted the rows. */
function estimateBytes(
  method: IndexCreateConfig['method'],
  { rows, sizeBytes }: TreeTable,
  entryBytes: number,
): number | null {
  if (rows < 0) return null;
  // A summary of every 128 blocks.
  if (method === 'brin') return Math.ceil(sizeBytes / 128 / 64) + 3 * 8192;
  return Math.ceil((rows * (entryBytes + entryOverheadBytes)) / fill) + 8192;
}
