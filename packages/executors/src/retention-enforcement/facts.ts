import type { ConfigProblem, FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { createCounter } from './counting.ts';
import { type DeleteFacts, readDeleteFacts } from './delete-facts.ts';
import { openExportFolder } from './export-folder.ts';
import { type PartitionsFacts, readPartitionFacts } from './partition-facts.ts';
import { type ResolvedRule, resolveRule } from './rule-facts.ts';
import type { RetentionConfig } from './schema.ts';

/** A rule, and what it is about now. */
export interface RuleFacts extends ResolvedRule {
  readonly work: DeleteFacts | PartitionsFacts;
  /** Where rows are exported to, as the folder really is; null = they are not. */
  readonly folder: string | null;
}

export interface RetentionFacts {
  readonly rules: readonly RuleFacts[];
}

/** Reads what the rules mean now. What can never work as it is configured is refused as a whole, before anything is done. */
export async function readRetentionFacts(
  reader: TargetReader,
  config: RetentionConfig,
  context: LookContext,
): Promise<FactsResult<RetentionFacts>> {
  const counter = createCounter(reader);
  const rules: RuleFacts[] = [];
  const problems: ConfigProblem[] = [];
  for (const [index, rule] of config.rules.entries()) {
    const pointer = `/rules/${index}`;
    const resolved = await resolveRule(reader, rule, pointer);
    if ('problems' in resolved) {
      problems.push(...resolved.problems);
      continue;
    }
    if (rules.some(({ table }) => table.oid === resolved.table.oid)) {
      problems.push({
        pointer: `${pointer}/table`,
        code: 'second_rule',
        detail: `${resolved.table.quoted} has a rule already.`,
      });
      continue;
    }
    if (rule.export_to !== null && resolved.method === 'detach') {
      const detail = 'A detached partition keeps its rows: there is nothing to export.';
      problems.push({ pointer: `${pointer}/export_to`, code: 'nothing_to_export', detail });
      continue;
    }
    const folder = rule.export_to === null ? null : await openExportFolder(context, rule.export_to);
    if (folder?.kind === 'refused') {
      problems.push({ pointer: `${pointer}/export_to`, code: folder.code, detail: folder.detail });
      continue;
    }
    const work =
      resolved.method === 'delete'
        ? await readDeleteFacts(reader, resolved, config, counter)
        : await readPartitionFacts(reader, resolved, config.dry_counts, counter);
    if ('problems' in work) problems.push(...work.problems);
    else rules.push({ ...resolved, work, folder: folder?.path ?? null });
  }
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'facts', facts: { rules } };
}
