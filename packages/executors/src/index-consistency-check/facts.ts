import { type FactsResult, type LookContext, TargetError, type TargetReader } from '@slacktide/application/ports';
import { amcheck, checks } from '@slacktide/checks';
import { careCheckConfigs, effectiveCareSettings } from '@slacktide/domain';
import { type NamedRelations, resolveNamed } from './named.ts';
import type { IndexConsistencyConfig } from './schema.ts';
import { chooseVerifiers, integritySettings, type VerifierChoice } from './verifier-choice.ts';

export interface ConsistencyFacts {
  readonly database: string;
  /** What the server said of its own catalogues; null = they can be read. */
  readonly damagedCatalogues: string | null;
  readonly choice: VerifierChoice;
  /** In the order of their turns; null = all of them, and not those that were named. */
  readonly relations: readonly amcheck.RelationRow[];
  readonly named: boolean;
}

/** What can be verified, with what, and whose turn it is. */
export async function readConsistencyFacts(
  reader: TargetReader,
  config: IndexConsistencyConfig,
  context: LookContext,
): Promise<FactsResult<ConsistencyFacts>> {
  const [server] = await reader.query<{ database: string; inRecovery: boolean }>(
    'SELECT current_database()::text AS database, pg_is_in_recovery() AS "inRecovery"',
  );
  if (server === undefined) throw new Error('a SELECT without FROM returned no row');
  const { database, inRecovery } = server;
  const facts = { database, damagedCatalogues: null, named: config.tables.length + config.indexes.length > 0 };
  try {
    const found = await amcheck.readAmcheck(reader);
    const choice = chooseVerifiers(found, await readSettings(config, context), config, inRecovery);
    const named = facts.named ? await resolveNamed(reader, config) : undefined;
    if (named?.kind === 'refused') return named;
    const relations = await amcheck.readRelations(reader, conflictsOf(choice.btree));
    const [latest] = await context.memory.snapshots('integrity', { limit: 1 });
    const turns = relations.map((relation) => ({ relation }));
    const inTurn = amcheck.fromCursor(turns, amcheck.readMemory(latest).consistency ?? null);
    return {
      kind: 'facts',
      facts: {
        ...facts,
        choice,
        relations:
          named === undefined
            ? inTurn.map(({ relation }) => relation)
            : relations.filter((each) => isNamed(each, named)),
      },
    };
  } catch (error) {
    const corruption = error instanceof TargetError ? amcheck.asCorruption(error) : undefined;
    if (corruption === undefined) throw error;
    const choice = { btree: unread, gin: null, heap: null, unknown: [] };
    return { kind: 'facts', facts: { ...facts, damagedCatalogues: corruption.message, choice, relations: [] } };
  }
}

const unread = { kind: 'unusable', reason: 'catalogues_corrupt', grant: null } as const;

/** How `integrity` judges here, with what this task was asked for. */
export async function readSettings(
  config: IndexConsistencyConfig,
  { memory }: Pick<LookContext, 'memory'>,
): Promise<amcheck.IntegrityConfig> {
  const check = checks.find(({ type }) => type.name === 'integrity');
  if (check === undefined) throw new Error('expected a check integrity');
  const { settings } = effectiveCareSettings(await memory.careLayers());
  const own = { ...careCheckConfigs(settings)['integrity'], ...integritySettings(config) };
  return check.type.config.parse(own) as amcheck.IntegrityConfig;
}

/** Locks that the verifier of indexes would wait for. */
export function conflictsOf(indexes: amcheck.Verifier): readonly string[] {
  return amcheck.indexConflicts({ indexes, heaps: null, reservations: [] });
}

/** With a table its indexes, its TOAST table and the index of that are named, too. */
function isNamed(
  { oid, tableOid, toastOf }: amcheck.RelationRow,
  named: Extract<NamedRelations, { kind: 'named' }>,
): boolean {
  return named.indexes.has(oid) || named.tables.has(tableOid) || (toastOf !== null && named.quotedTables.has(toastOf));
}
