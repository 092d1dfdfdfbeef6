import type { FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { resolveTables } from '@slacktide/targets';
import { type ExtensionFunction, readBuffercache, readCachedBlocks, readPrewarm } from './extensions.ts';
import { readWarmRelations, type WarmRelation } from './relations.ts';
import type { CacheWarmConfig } from './schema.ts';

export interface CacheWarmFacts {
  readonly database: string;
  readonly named: boolean;
  readonly prewarm: ExtensionFunction;
  readonly sharedBuffersBytes: number;
  readonly blockBytes: number;
  readonly relations: readonly WarmRelation[];
  /** Whether `cached` tells anything. */
  readonly cacheIsVisible: boolean;
  /** Blocks in the cache, by filenode. */
  readonly cached: ReadonlyMap<number, number>;
  /** By quoted name: its `reads` right after it was last loaded by us, our own among them. */
  readonly readsWhenWarmed: ReadonlyMap<string, number>;
}

type Server = Pick<CacheWarmFacts, 'database' | 'sharedBuffersBytes' | 'blockBytes'>;

const serverSql = `
SELECT current_database()::text AS database, current_setting('block_size')::float8 AS "blockBytes",
  pg_size_bytes(current_setting('shared_buffers'))::float8 AS "sharedBuffersBytes"`;

/** Reads what decides what is loaded. */
export async function readCacheWarmFacts(
  reader: TargetReader,
  config: CacheWarmConfig,
  context: LookContext,
): Promise<FactsResult<CacheWarmFacts>> {
  const resolved = await resolveTables(reader, config.tables, '/tables');
  if (resolved.kind === 'refused') return resolved;
  const named = config.tables.length > 0;
  const [server] = await reader.query<Server>(serverSql);
  if (server === undefined) throw new Error('a SELECT without FROM returned no row');
  const prewarm = await readPrewarm(reader);
  const buffercache = await readBuffercache(reader);
  const relations = await readWarmRelations(
    reader,
    named,
    resolved.tables.map(({ oid }) => oid),
  );
  const filenodes = relations.map(({ filenode }) => filenode);
  const cached = await readCachedBlocks(reader, buffercache, filenodes);
  const cacheIsVisible = buffercache.kind === 'usable';
  const readsWhenWarmed = await readWarmed(context);
  return { kind: 'facts', facts: { ...server, named, prewarm, relations, cacheIsVisible, cached, readsWhenWarmed } };
}

const mostEffects = 1000;

async function readWarmed({ memory }: LookContext): Promise<Map<string, number>> {
  const effects = await memory.effects({ action: 'cache_warm', limit: mostEffects });
  // Newest first: the latest of an object wins.
  return new Map(effects.toReversed().map(({ object, detail }) => [object, Number(detail['reads_after'] ?? -1)]));
}
