import { objectKey } from '@slacktide/domain';
import type { Check } from '../check.ts';
import { type Candidate, candidatesOf } from './candidates.ts';
import { judgeMatviews, whyNotVerified } from './judge.ts';
import { queryKeysOf } from './query-keys.ts';
import { readMatviews } from './read.ts';
import { readKeys } from './read-keys.ts';
import { checkType, type MatviewIndexConfig } from './schema.ts';
import { type Verified, verifyCandidates } from './verify-candidates.ts';

/** Views whose rows are read in one run, each for 30 s at most. */
const verifiedAtMost = 20;

export const matviewIndex: Check<MatviewIndexConfig> = {
  type: checkType,
  async run({ reader, only }, config) {
    const matviews = await readMatviews(reader);
    const readable = matviews.flatMap((matview) =>
      matview.rule === null || whyNotVerified(matview, config) !== null
        ? []
        : [{ matview, keys: queryKeysOf(matview.rule) }],
    );
    const relations = readable.flatMap(({ keys }) => keys.shown.flatMap(({ relation }) => relation ?? []));
    const isKey = await readKeys(reader, relations);
    const promising = readable
      .map(({ matview, keys }): [oid: number, candidates: readonly Candidate[], asked: boolean] => [
        matview.oid,
        candidatesOf(matview, keys, isKey),
        objectKey(matview) === only,
      ])
      .filter(([, candidates]) => candidates.length > 0)
      .toSorted(([, , one], [, , other]) => Number(other) - Number(one));
    const chosen = promising.slice(0, verifiedAtMost).map(([oid, candidates]) => [oid, candidates] as const);
    const verified = new Map(await verifyCandidates(reader, new Map(chosen), config));
    for (const [oid] of promising.slice(verifiedAtMost)) verified.set(oid, tooMany);
    return judgeMatviews(matviews, verified, reader.serverVersion, config);
  },
};

const tooMany: Verified = {
  kind: 'none',
  because: `the rows of no more than ${verifiedAtMost} views are read in one run`,
};
