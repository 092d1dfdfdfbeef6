import { objectKey } from '@slacktide/domain';
import type { Check } from '../check.ts';
import { countViolators } from './count-violators.ts';
import { judgeConstraints } from './judge.ts';
import { readConstraints } from './read.ts';
import { readSearches } from './read-searches.ts';
import { checkType, type InvalidConstraintConfig } from './schema.ts';

/** Constraints whose rows are counted in one run, at most 30 s each. */
const countedAtMost = 50;

export const invalidConstraint: Check<InvalidConstraintConfig> = {
  type: checkType,
  async run({ reader, only }, config) {
    const facts = await readConstraints(reader);
    // Triggers of unique constraints guard no single row: there is no row of which one could say that it breaks them.
    const countable = [...facts.notValidated, ...facts.disabled.filter(({ type }) => type === 'f')];
    const asked = countable.filter(({ schema, name }) => objectKey({ schema, name }) === only);
    const first = [...new Set([...asked, ...countable])];
    const oids = config.count_limit === 0 ? [] : [...new Set(first.map(({ oid }) => oid))].slice(0, countedAtMost);
    const searches = oids.length === 0 ? [] : await readSearches(reader, oids);
    return judgeConstraints(facts, await countViolators(reader, first, searches, config), config);
  },
};
