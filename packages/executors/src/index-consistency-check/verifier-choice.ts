import { amcheck } from '@slacktide/checks';
import type { UnknownObject } from '@slacktide/domain';
import type { IndexConsistencyConfig } from './schema.ts';

/** What each kind of relation is verified with; null = not asked for, or nothing there is can do it. */
export interface VerifierChoice {
  readonly btree: amcheck.Verifier;
  readonly gin: amcheck.Verifier | null;
  readonly heap: amcheck.Verifier | null;
  /** What was asked for and is left out, or cannot be done. */
  readonly unknown: readonly UnknownObject[];
}

/** The settings of `integrity` that say the same. */
export function integritySettings(config: IndexConsistencyConfig) {
  const { heapallindexed, parent_check, check_unique: checkunique, check_heap: heap_check } = config;
  return { heapallindexed, parent_check, checkunique, heap_check };
}

export function chooseVerifiers(
  facts: amcheck.AmcheckFacts,
  settings: amcheck.IntegrityConfig,
  { check_gin }: Pick<IndexConsistencyConfig, 'check_gin'>,
  inRecovery: boolean,
): VerifierChoice {
  const { indexes: btree, heaps: heap, reservations } = amcheck.chooseVerifiers(facts, settings, inRecovery);
  const knowsGin = facts.functions.some(({ name }) => name === ginCheck);
  const gin = check_gin && knowsGin ? amcheck.verifierOf(facts, ginCheck, 1) : null;
  const unusable = [btree, gin, heap].flatMap((verifier) =>
    verifier?.kind === 'unusable' ? [{ object: 'amcheck', reason: verifier.reason, grant: verifier.grant }] : [],
  );
  const told = new Map([...unusable, ...reservations].map((entry) => [JSON.stringify(entry), entry]));
  return { btree, gin, heap, unknown: [...told.values()] };
}

const ginCheck = 'gin_index_check';

/** Null = relations of this kind are left out. */
export function verifierFor(relation: amcheck.RelationRow, choice: VerifierChoice): amcheck.Verifier | null {
  if (relation.kind !== 'index') return choice.heap;
  return relation.excluded === amcheck.uncheckedGin ? choice.gin : choice.btree;
}
