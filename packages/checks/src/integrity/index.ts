import { TargetError } from '@slacktide/application/ports';
import { type CheckReport, objectKey } from '@slacktide/domain';
import type { Check, Look } from '../check.ts';
import { chooseVerifiers, readAmcheck, type Verifiers } from './amcheck.ts';
import { readChecksums } from './checksums.ts';
import { readCollations } from './collations.ts';
import { judgeIntegrity, unreadableCatalogues, type Verified } from './judge.ts';
import { conflictsOf, type RelationRow, readRelations } from './relations.ts';
import { readMemory } from './remembered.ts';
import { checkType, type IntegrityConfig } from './schema.ts';
import { asCorruption, type Verdict, verifyHeap, verifyIndex } from './verify.ts';
import { switchesOf } from './weaker-look.ts';

const mebibyte = 1024 * 1024;

export const integrity: Check<IntegrityConfig> = {
  type: checkType,
  run: (look, config) =>
    report(look, config, async (facts) => ({
      ...(await verifyInTurn(look, config, facts)),
      switches: switchesOf(config),
    })),
};

/** What somebody else verified. */
export interface VerifiedElsewhere extends Pick<Verified, 'verdicts' | 'bytesRead'> {
  /** Where it goes on; left out = as it was. */
  readonly consistency?: number | null;
  readonly rootdescend: boolean;
}

/** The report of the check with the verdicts of INDEX_CONSISTENCY_CHECK: relations without one keep their findings. */
export function integrityReport(
  look: Look,
  config: IntegrityConfig,
  elsewhere: VerifiedElsewhere,
): Promise<CheckReport> {
  const { rootdescend, ...verified } = elsewhere;
  return report(look, config, async ({ cursor }) => ({
    ...verified,
    cursor,
    switches: switchesOf(config, rootdescend),
  }));
}

async function report(
  look: Look,
  config: IntegrityConfig,
  verify: (work: Work) => Promise<Verified>,
): Promise<CheckReport> {
  const { reader, memory, now } = look;
  const remembered = readMemory((await memory.snapshots('integrity', { limit: 1 }))[0]);
  const { database, inRecovery } = await readServer(look);
  try {
    const amcheck = await readAmcheck(reader);
    const verifiers = chooseVerifiers(amcheck, config, inRecovery);
    const conflicts = indexConflicts(verifiers);
    const relations = await readRelations(reader, conflicts);
    const collations = await readCollations(reader, relations);
    const verified = await verify({ relations, verifiers, conflicts, cursor: remembered.cursor });
    // Afterwards: verifying reads pages, and counts those that fail.
    const checksums = await readChecksums(reader);
    return judgeIntegrity(
      { database, relations, checksums, collations, amcheck, verifiers, remembered, now, ...verified },
      config,
    );
  } catch (error) {
    const corruption = error instanceof TargetError ? asCorruption(error) : undefined;
    if (corruption === undefined) throw error;
    return unreadableCatalogues(database, corruption, remembered);
  }
}

async function readServer({ reader }: Look): Promise<{ database: string; inRecovery: boolean }> {
  const [row] = await reader.query<{ database: string; inRecovery: boolean }>(
    'SELECT current_database()::text AS database, pg_is_in_recovery() AS "inRecovery"',
  );
  if (row === undefined) throw new Error('a SELECT without FROM returned no row');
  return row;
}

/** Checking parents takes SHARE, which waits for whoever writes. */
export function indexConflicts({ indexes }: Verifiers): readonly string[] {
  const parents = indexes.kind === 'usable' && indexes.name === 'bt_index_parent_check';
  return parents ? conflictsOf.share : conflictsOf.accessShare;
}

interface Work {
  readonly relations: readonly RelationRow[];
  readonly verifiers: Verifiers;
  readonly conflicts: readonly string[];
  readonly cursor: number | null;
}

/** Goes on where the last run ended, as far as the budget allows; one that somebody asks for whatever it costs. */
async function verifyInTurn(
  { reader, only }: Look,
  config: IntegrityConfig,
  work: Work,
): Promise<Omit<Verified, 'switches'>> {
  const budgetBytes = only === undefined ? config.max_read_mb * mebibyte : Number.POSITIVE_INFINITY;
  const verdicts = new Map<string, Verdict>();
  const turns = work.relations.flatMap((relation) => {
    const { indexes, heaps } = work.verifiers;
    const verifier = relation.kind === 'index' ? indexes : heaps;
    if (relation.excluded !== null || verifier?.kind !== 'usable') return [];
    if (only !== undefined && objectKey(relation) !== only) return [];
    const bytes = bytesOf(relation, config);
    if (!relation.locked && bytes <= budgetBytes) return [{ relation, verifier, bytes }];
    const reason = relation.locked ? 'locked' : 'larger_than_max_read_mb';
    verdicts.set(relation.quoted, { kind: 'unverified', reason });
    return [];
  });
  let bytesRead = 0;
  let read = 0;
  let last = work.cursor;
  for (const { relation, verifier, bytes } of fromCursor(turns, work.cursor)) {
    if (read === config.max_relations || bytesRead + bytes > budgetBytes) return { verdicts, bytesRead, cursor: last };
    const verdict =
      relation.kind === 'index'
        ? await verifyIndex(reader, relation, verifier, { config, conflicts: work.conflicts })
        : await verifyHeap(reader, relation, verifier, conflictsOf.accessShare);
    verdicts.set(relation.quoted, verdict);
    bytesRead += bytes;
    read += 1;
    last = relation.oid;
  }
  const wentRound = only === undefined && read > 0;
  return { verdicts, bytesRead, cursor: wentRound ? null : work.cursor };
}

/** By OID, catalogues first: those after the cursor, and then from the beginning. */
export function fromCursor<T extends { readonly relation: RelationRow }>(
  turns: readonly T[],
  cursor: number | null,
): T[] {
  const isNext = ({ relation }: T): boolean => relation.oid > (cursor ?? 0);
  return [...turns.filter(isNext), ...turns.filter((turn) => !isNext(turn))];
}

/** What verifying reads: of an index the rows too, where all of them are to be found; of a table its TOAST table. */
export function bytesOf(
  { kind, sizeBytes, companionBytes }: RelationRow,
  { heapallindexed }: Pick<IntegrityConfig, 'heapallindexed'>,
): number {
  const companion = kind !== 'index' || heapallindexed ? (companionBytes ?? 0) : 0;
  return (sizeBytes ?? 0) + companion;
}
