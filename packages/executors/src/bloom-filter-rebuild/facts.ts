import type { ConfigProblem, FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { resolveIndexes } from '@slacktide/targets';
import { countUnsummarised, pagesPerRange, readPageinspect } from './brin-ranges.ts';
import { type LossyIndex, readLossyIndexes } from './lossy-indexes.ts';
import type { BloomFilterRebuildConfig } from './schema.ts';

/** First block of each range to summarise anew, by the index's OID. */
type Anew = ReadonlyMap<number, readonly number[]>;

export interface BloomFilterFacts {
  readonly serverVersion: number;
  /** Indexes were named: they are worked on, due or not. */
  readonly named: boolean;
  readonly indexes: readonly LossyIndex[];
  /** Of BRIN indexes, by OID; null = cannot be counted. */
  readonly unsummarised: ReadonlyMap<number, number | null>;
  readonly anew: Anew;
  /** Bytes a row after our last rebuild, by quoted name. */
  readonly bytesPerRowAfterRebuild: ReadonlyMap<string, number>;
}

/** More than that at once is a rebuild. */
const mostRangesAnew = 1000;
const mostEffects = 1000;

/** Reads what decides which indexes are rebuilt or summarised. */
export async function readBloomFilterFacts(
  reader: TargetReader,
  config: BloomFilterRebuildConfig,
  { memory }: LookContext,
): Promise<FactsResult<BloomFilterFacts>> {
  const named = config.indexes.length > 0 || config.ranges.length > 0;
  const texts = [...config.indexes, ...config.ranges.map(({ index }) => index)];
  const resolutions = await resolveIndexes(reader, texts);
  const pointerOf = (position: number): string =>
    position < config.indexes.length ? `/indexes/${position}` : `/ranges/${position - config.indexes.length}/index`;
  const problems = resolutions.flatMap((resolution, position): ConfigProblem[] => {
    if (resolution.kind === 'found') return [];
    const detail = `Index ${JSON.stringify(texts[position])}: ${resolution.detail}.`;
    return [{ pointer: pointerOf(position), code: `${resolution.kind}_index`, detail }];
  });
  const oids = resolutions.flatMap((resolution) => (resolution.kind === 'found' ? [resolution.relation.oid] : []));
  const indexes = await readLossyIndexes(reader, named, oids);
  const anew = new Map<number, readonly number[]>();
  for (const [position, { from_block, to_block }] of config.ranges.entries()) {
    const resolution = resolutions[config.indexes.length + position];
    const index = indexes.find(({ oid }) => resolution?.kind === 'found' && oid === resolution.relation.oid);
    if (index === undefined) continue;
    const starts = rangeStarts(index, from_block, to_block);
    if (index.method !== 'brin' || index.partitioned || starts === null) {
      const detail = `${index.quoted}: expected a BRIN index of one table, and at most ${mostRangesAnew} ranges of it that are there.`;
      problems.push({ pointer: `/ranges/${position}`, code: 'unusable_range', detail });
    } else
      anew.set(
        index.oid,
        [...new Set([...(anew.get(index.oid) ?? []), ...starts])].toSorted((a, b) => a - b),
      );
  }
  if (problems.length > 0) return { kind: 'refused', problems };
  const pageinspect = await readPageinspect(reader);
  const unsummarised = new Map<number, number | null>();
  for (const index of indexes.filter(({ method, partitioned }) => method === 'brin' && !partitioned)) {
    unsummarised.set(index.oid, await countUnsummarised(reader, index, pageinspect));
  }
  const effects = await memory.effects({ action: 'reindex', limit: mostEffects });
  const bytesPerRowAfterRebuild = new Map(
    // Newest first: the latest of an index wins.
    effects.toReversed().flatMap(({ object, sizeAfterBytes, detail }) => {
      const rows = Number(detail['rows'] ?? 0);
      return sizeAfterBytes === null || rows <= 0 ? [] : [[object, sizeAfterBytes / rows] as const];
    }),
  );
  const { serverVersion } = reader;
  return {
    kind: 'facts',
    facts: { serverVersion, named, indexes, unsummarised, anew, bytesPerRowAfterRebuild },
  };
}

/** Null = there is none, or there are too many. */
function rangeStarts(index: LossyIndex, fromBlock: number, toBlock: number): readonly number[] | null {
  const pages = pagesPerRange(index);
  const first = Math.floor(fromBlock / pages);
  const last = Math.floor(Math.min(toBlock, (index.tableBlocks ?? 0) - 1) / pages);
  if (last < first || last - first >= mostRangesAnew) return null;
  return Array.from({ length: last - first + 1 }, (_, position) => (first + position) * pages);
}
