import {
  type FactsResult,
  type LookContext,
  type Standby,
  TargetError,
  type TargetReader,
} from '@slacktide/application/ports';
import { amcheck } from '@slacktide/checks';
import { resolveTables } from '@slacktide/targets';
import { type ComparedTable, readComparedTables } from './compared-tables.ts';
import { type ReplicaValidationConfig, replicationSettings } from './schema.ts';

export interface StandbyState {
  /** `host:port/database`. */
  readonly name: string;
  /** Why it cannot be looked at; null = it can. */
  readonly unreachable: string | null;
}

export interface ReplicaFacts {
  /** The target is a standby itself: nothing can be compared with it. */
  readonly inRecovery: boolean;
  /** The ledger's day, `2026-11-22`: what the sample is drawn by. */
  readonly day: string;
  readonly settings: ReturnType<typeof replicationSettings>;
  readonly standbys: readonly StandbyState[];
  /** What indexes are verified with, and which there are; null = not asked for. */
  readonly content: { readonly verifier: amcheck.Verifier; readonly indexes: readonly amcheck.RelationRow[] } | null;
  readonly tables: readonly ComparedTable[];
}

export async function readReplicaFacts(
  reader: TargetReader,
  config: ReplicaValidationConfig,
  { memory, standbys }: LookContext,
): Promise<FactsResult<ReplicaFacts>> {
  const resolved = await resolveTables(reader, config.compare_tables, '/compare_tables');
  if (resolved.kind === 'refused') return resolved;
  const [server] = await reader.query<{ inRecovery: boolean }>('SELECT pg_is_in_recovery() AS "inRecovery"');
  if (server === undefined) throw new Error('a SELECT without FROM returned no row');
  const oids = resolved.tables.map(({ oid }) => oid);
  const states: StandbyState[] = [];
  for (const standby of standbys) states.push(await tryStandby(standby));
  return {
    kind: 'facts',
    facts: {
      inRecovery: server.inRecovery,
      day: (await memory.now()).toISOString().slice(0, 10),
      settings: replicationSettings(config),
      standbys: states,
      content: config.content_check ? await readContent(reader) : null,
      tables: oids.length === 0 ? [] : await readComparedTables(reader, oids),
    },
  };
}

async function tryStandby({ name, read }: Standby): Promise<StandbyState> {
  try {
    await read((reader) => reader.query('SELECT 1'));
    return { name, unreachable: null };
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'cancelled') throw error;
    return { name, unreachable: `${error.code}: ${error.message}` };
  }
}

/** Extension, rights and indexes of a standby are those of its primary. */
async function readContent(reader: TargetReader): Promise<ReplicaFacts['content']> {
  const verifier = amcheck.verifierOf(await amcheck.readAmcheck(reader), 'bt_index_check', 2);
  const relations = await amcheck.readRelations(reader, amcheck.conflictsOf.accessShare);
  return { verifier, indexes: relations.filter(({ kind, excluded }) => kind === 'index' && excluded === null) };
}
