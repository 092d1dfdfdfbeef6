import type { ConfigProblem, FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import type { CheckName, CheckReport, FoundFinding, JsonObject } from '@slacktide/domain';
import { resolveIndexes } from '@slacktide/targets';
import { lookWith } from '../run-check.ts';
import { type LeftoverIndex, readLeftoverIndexes } from './leftover-index.ts';
import type { LeftoverCleanupConfig } from './schema.ts';

/** What a check found, and the index it is about. */
export interface Leftover {
  readonly finding: FoundFinding;
  readonly index: LeftoverIndex;
}

export interface LeftoverFacts {
  readonly leftovers: readonly Leftover[];
  /** What was asked for by name, `schema.name` unquoted and quoted; null = nothing was. */
  readonly named: readonly { readonly object: string; readonly quoted: string }[] | null;
  /** Indexes that were looked at. */
  readonly checked: number;
  readonly skipped: CheckReport['skipped'];
  readonly unknown: CheckReport['unknown'];
}

/** Has both checks look: what they do not find is nobody's leftover. */
export async function readLeftoverFacts(
  reader: TargetReader,
  config: LeftoverCleanupConfig,
  context: LookContext,
): Promise<FactsResult<LeftoverFacts>> {
  const resolutions = await resolveIndexes(reader, config.indexes);
  const problems = resolutions.flatMap((resolution, position): ConfigProblem[] => {
    if (resolution.kind === 'found') return [];
    const detail = `Index ${JSON.stringify(config.indexes[position])}: ${resolution.detail}.`;
    return [{ pointer: `/indexes/${position}`, code: `${resolution.kind}_index`, detail }];
  });
  if (problems.length > 0) return { kind: 'refused', problems };
  const { confirm_seconds } = config;
  // Both look twice, and wait for the second look at the same time.
  const [invalid, orphaned] = await Promise.all([
    look('invalid_index', reader, context, { confirm_seconds }),
    look('orphaned_index', reader, context, { confirm_seconds, report_detached_partitions: false }),
  ]);
  const findings = [...orphaned.findings, ...invalid.findings].filter((_, position) =>
    config.checks.includes(position < orphaned.findings.length ? 'orphaned_index' : 'invalid_index'),
  );
  const indexes = await readLeftoverIndexes(
    reader,
    findings.map(({ object }) => object),
  );
  const facts: LeftoverFacts = {
    leftovers: findings.flatMap((finding) => {
      const { schema, name } = finding.object;
      const index = indexes.find((each) => each.schema === schema && each.name === name);
      return index === undefined ? [] : [{ finding, index }];
    }),
    named:
      config.indexes.length === 0
        ? null
        : resolutions.flatMap((resolution) =>
            resolution.kind === 'found'
              ? [
                  {
                    object: `${resolution.relation.schema}.${resolution.relation.name}`,
                    quoted: resolution.relation.quoted,
                  },
                ]
              : [],
          ),
    checked: Math.max(invalid.checked, orphaned.checked),
    // Whatever else the one leaves out is the other's.
    skipped: [...invalid.skipped, ...orphaned.skipped].filter(({ reason }) => reason === 'in_progress'),
    unknown: [...invalid.unknown, ...orphaned.unknown],
  };
  return { kind: 'facts', facts };
}

function look(
  name: CheckName,
  observer: TargetReader,
  context: LookContext,
  settings: JsonObject,
): Promise<CheckReport> {
  const check = checks.find(({ type }) => type.name === name);
  if (check === undefined) throw new Error(`expected a check ${name}`);
  const signal = new AbortController().signal;
  return lookWith(check, { observer, ...context, signal }, check.type.config.parse(settings));
}
