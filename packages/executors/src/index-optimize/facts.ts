import { type GuardedIndex, judgeUsage, readGuardedIndexes } from '@slacktide/acting';
import type { FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { type CheckReport, type EffectAdvice, objectKey } from '@slacktide/domain';
import { readRebuildAdvice } from '../rebuild-advice.ts';
import { lookWith } from '../run-check.ts';
import type { IndexOptimizeConfig } from './schema.ts';
import { checkOf, type Way, wayOf, ways } from './ways.ts';

export interface OptimizeFacts {
  /** What each wanted way found, in the order of the ways. */
  readonly reports: readonly { readonly way: Way; readonly report: CheckReport }[];
  /** The indexes in question, by `schema.name` unquoted. */
  readonly indexes: ReadonlyMap<string, GuardedIndex>;
  /** Why indexes of which the check knows too little are no candidates, by the same. */
  readonly underWatched: ReadonlyMap<string, string>;
  /** What their history advises about indexes that might be rebuilt, by their quoted name. */
  readonly advice: ReadonlyMap<string, EffectAdvice>;
}

/** Has the checks look, and reads what they propose something for. */
export async function readOptimizeFacts(
  reader: TargetReader,
  config: IndexOptimizeConfig,
  context: LookContext,
): Promise<FactsResult<OptimizeFacts>> {
  const reports: { way: Way; report: CheckReport }[] = [];
  for (const way of ways.filter((each) => wayOf(each).isWanted(config))) {
    const { check, settings } = checkOf(way, config);
    const look = { observer: reader, ...context, signal: new AbortController().signal };
    reports.push({ way, report: await lookWith(check, look, settings) });
  }
  const unknown = reports.find(({ way }) => way === 'unused')?.report.unknown ?? [];
  const names = [
    ...reports.flatMap(({ report }) => report.findings.map(({ object }) => objectKey(object))),
    ...unknown.map(({ object }) => object),
  ];
  const indexes = await readGuardedIndexes(reader, [...new Set(names)]);
  const byName = new Map(indexes.map((index) => [`${index.schema}.${index.name}`, index]));
  const unwatched = await underWatched(
    unknown.flatMap(({ object }) => byName.get(object) ?? []),
    config,
    context,
  );
  const advice = await readAdvice(reports, byName, config, context);
  return { kind: 'facts', facts: { reports, indexes: byName, underWatched: unwatched, advice } };
}

async function readAdvice(
  reports: OptimizeFacts['reports'],
  indexes: OptimizeFacts['indexes'],
  { heed_advice }: IndexOptimizeConfig,
  { memory }: LookContext,
): Promise<OptimizeFacts['advice']> {
  if (!heed_advice) return new Map();
  const findings = reports.flatMap(({ way, report }) => (way === 'rebuild' ? report.findings : []));
  const bloated = findings.flatMap(({ object }) => indexes.get(objectKey(object))?.quoted ?? []);
  return await readRebuildAdvice(memory, bloated);
}

async function underWatched(
  indexes: readonly GuardedIndex[],
  { unused_days: days }: IndexOptimizeConfig,
  { memory, standbys }: LookContext,
): Promise<ReadonlyMap<string, string>> {
  if (indexes.length === 0) return new Map();
  const [usage, now] = await Promise.all([memory.usage(days), memory.now()]);
  const nodes = ['primary', ...standbys.map(({ name }) => name)];
  return new Map(
    indexes.flatMap(({ oid, schema, name }) => {
      const verdict = judgeUsage(
        usage.find((each) => each.oid === oid),
        { nodes, days, now },
      );
      return verdict.kind === 'kept' ? [[`${schema}.${name}`, verdict.reason] as const] : [];
    }),
  );
}
