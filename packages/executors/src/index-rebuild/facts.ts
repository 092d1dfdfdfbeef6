import type { ConfigProblem, FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import type { EffectAdvice } from '@slacktide/domain';
import { resolveIndexes, resolveTables } from '@slacktide/targets';
import { readRebuildAdvice } from '../rebuild-advice.ts';
import { type IndexFacts, indexesSql } from './index-facts.ts';
import { type Measurement, measureWaste } from './measure-waste.ts';
import { isTooSmall } from './qualify.ts';
import { readRecentRebuilds } from './recent-rebuilds.ts';
import type { IndexRebuildConfig } from './schema.ts';

export interface IndexRebuildFacts {
  readonly serverVersion: number;
  readonly indexes: readonly IndexFacts[];
  /** Indexes or tables were named: what they mean is rebuilt whatever its waste. */
  readonly named: boolean;
  /** By OID; empty when nothing had to be measured. */
  readonly measurements: ReadonlyMap<number, Measurement>;
  /** `schema.name`, quoted, of those rebuilt within `cooldown_days`. */
  readonly recentlyRebuilt: ReadonlySet<string>;
  /** By the same; what their history advises about those that may be rebuilt. */
  readonly advice: ReadonlyMap<string, EffectAdvice>;
}

/** Reads what decides which indexes are rebuilt; measures those that might be. */
export async function readIndexRebuildFacts(
  reader: TargetReader,
  config: IndexRebuildConfig,
  { memory }: Pick<LookContext, 'memory'>,
): Promise<FactsResult<IndexRebuildFacts>> {
  const [server] = await reader.query<{ recovering: boolean }>('SELECT pg_is_in_recovery() AS recovering');
  if (server?.recovering === true) return { kind: 'refused', problems: [inRecovery] };
  const named = config.indexes.length > 0 || config.tables.length > 0;
  const indexes = await resolveIndexes(reader, config.indexes);
  const tables = await resolveTables(reader, config.tables, '/tables');
  const problems = [
    ...indexes.flatMap((resolution, position): ConfigProblem[] => {
      if (resolution.kind === 'found') return [];
      const detail = `Index ${JSON.stringify(config.indexes[position])}: ${resolution.detail}.`;
      return [{ pointer: `/indexes/${position}`, code: `${resolution.kind}_index`, detail }];
    }),
    ...(tables.kind === 'refused' ? tables.problems : []),
    ...(await unknownSchemas(reader, config.schemas)),
  ];
  if (tables.kind === 'refused' || problems.length > 0) return { kind: 'refused', problems };
  const { serverVersion } = reader;
  const rows = await reader.query<IndexFacts>(indexesSql(serverVersion), [
    named,
    indexes.flatMap((resolution) => (resolution.kind === 'found' ? [resolution.relation.oid] : [])),
    tables.tables.map(({ oid }) => oid),
    config.schemas,
  ]);
  const measurements = named || config.bloat_threshold === 0 ? new Map() : await measureWaste(reader, rows, config);
  const recentlyRebuilt = named ? new Set<string>() : await readRecentRebuilds(memory, config.cooldown_days);
  const candidates = rows.filter((index) => named || mayBeDue(index, measurements, config));
  const advice = await readRebuildAdvice(
    memory,
    candidates.map(({ quoted }) => quoted),
  );
  return { kind: 'facts', facts: { serverVersion, indexes: rows, named, measurements, recentlyRebuilt, advice } };
}

/** What the history of the others says changes nothing. */
function mayBeDue(
  index: IndexFacts,
  measurements: IndexRebuildFacts['measurements'],
  config: IndexRebuildConfig,
): boolean {
  // Every index there is: their history is not read for nothing.
  if (config.bloat_threshold === 0) return config.heed_advice && !isTooSmall(index, config);
  const measurement = measurements.get(index.oid);
  return measurement?.kind === 'measured' && measurement.waste.percent >= config.bloat_threshold;
}

const inRecovery: ConfigProblem = {
  pointer: '',
  code: 'in_recovery',
  detail: 'The server is a standby; indexes are rebuilt on its primary.',
};

async function unknownSchemas(reader: TargetReader, schemas: readonly string[]): Promise<ConfigProblem[]> {
  if (schemas.length === 0) return [];
  const known = await reader.query<{ name: string }>(
    'SELECT nspname::text AS name FROM pg_namespace WHERE nspname::text = ANY ($1::text[])',
    [schemas.filter((name) => !name.includes('\0'))],
  );
  const names = new Set(known.map(({ name }) => name));
  return schemas.flatMap((name, position) =>
    names.has(name)
      ? []
      : [
          {
            pointer: `/schemas/${position}`,
            code: 'unknown_schema',
            detail: `Schema ${JSON.stringify(name)}: there is none of this name on the target.`,
          },
        ],
  );
}
