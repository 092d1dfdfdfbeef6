import type { FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import type { CheckReport } from '@slacktide/domain';
import { resolveTables } from '@slacktide/targets';
import type { StorageCompactionConfig } from './schema.ts';
import { type RepackFacts, readFreeBytes, readRepackFacts } from './surroundings.ts';
import { type CompactTable, readCompactTables } from './tables.ts';
import { findWaste, type TableWaste } from './waste.ts';

/** What earlier runs did to a table. */
export interface PastWork {
  /** Since its last rewrite; null = none is known of. */
  readonly daysSinceRewrite: number | null;
  /** Its size when the last VACUUM of ours had given back what it could; null = none is known of, or it was rewritten since. */
  readonly vacuumedToBytes: number | null;
}

export interface CompactionFacts {
  readonly serverVersion: number;
  readonly named: boolean;
  /** The named ones, or those over the threshold. */
  readonly tables: readonly CompactTable[];
  /** By quoted name; of named tables nothing is measured before their turn. */
  readonly waste: ReadonlyMap<string, TableWaste>;
  /** How many were looked at, and what could not be judged. */
  readonly judged: Pick<CheckReport, 'checked' | 'skipped' | 'unknown' | 'unjudged'>;
  readonly repack: RepackFacts;
  /** Null = not known. */
  readonly freeBytes: number | null;
  /** By quoted name. */
  readonly past: ReadonlyMap<string, PastWork>;
}

/** Reads what decides which tables are compacted, and how. */
export async function readCompactionFacts(
  reader: TargetReader,
  config: StorageCompactionConfig,
  context: LookContext,
): Promise<FactsResult<CompactionFacts>> {
  const named = config.tables.length > 0;
  const resolved = await resolveTables(reader, config.tables, '/tables');
  if (resolved.kind === 'refused') return resolved;
  const all = await readCompactTables(
    reader,
    named,
    resolved.tables.map(({ oid }) => oid),
  );
  const surroundings = {
    serverVersion: reader.serverVersion,
    named,
    repack: await readRepackFacts(reader),
    freeBytes: await readFreeBytes(reader, config.throttle.capacity_mb),
    past: await readPast(context),
  };
  if (named) {
    const judged = { checked: all.length, skipped: [], unknown: [], unjudged: [] };
    return { kind: 'facts', facts: { ...surroundings, tables: all, waste: new Map(), judged } };
  }
  const look = { ...context, observer: reader, signal: new AbortController().signal };
  const { waste, report } = await findWaste(look, config);
  const tables = all.filter(({ quoted }) => waste.has(quoted));
  return { kind: 'facts', facts: { ...surroundings, tables, waste, judged: report } };
}

const mostEffects = 1000;
const msPerDay = 86_400_000;

async function readPast({ memory }: LookContext): Promise<Map<string, PastWork>> {
  const now = await memory.now();
  const past = new Map<string, PastWork>();
  const of = (object: string): PastWork => past.get(object) ?? { daysSinceRewrite: null, vacuumedToBytes: null };
  // Newest first: the first one of an object is its latest.
  for (const { object, taskType, sizeAfterBytes } of await memory.effects({ action: 'vacuum', limit: mostEffects })) {
    if (taskType !== 'STORAGE_COMPACTION' || past.has(object)) continue;
    past.set(object, { ...of(object), vacuumedToBytes: sizeAfterBytes });
  }
  for (const action of ['vacuum_full', 'repack'] as const) {
    for (const { object, at } of await memory.effects({ action, limit: mostEffects })) {
      const days = Math.max(0, (now.getTime() - at.getTime()) / msPerDay);
      const known = of(object);
      past.set(object, { ...known, daysSinceRewrite: Math.min(known.daysSinceRewrite ?? days, days) });
    }
  }
  return past;
}
