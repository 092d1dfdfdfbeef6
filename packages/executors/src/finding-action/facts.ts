import { createHash } from 'node:crypto';
import type { FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import type { CheckReport, FoundFinding, UnknownObject } from '@slacktide/domain';
import { lookWith } from '../run-check.ts';
import type { FindingActionConfig } from './schema.ts';

/** What the check says now. */
export interface FindingFacts {
  /** Undefined = it is not found any more. */
  readonly finding: FoundFinding | undefined;
  readonly unknown: readonly UnknownObject[];
}

/** Has the check look again at the object. A plan other than the one that was shown is refused. */
export async function readFindingFacts(
  reader: TargetReader,
  config: FindingActionConfig,
  context: LookContext,
): Promise<FactsResult<FindingFacts>> {
  const check = checks.find(({ type }) => type.name === config.check);
  if (check === undefined)
    return refused('/check', 'unknown_check', `There is no check ${JSON.stringify(config.check)}`);
  const checkConfig = check.type.config.safeParse(config.check_config);
  if (!checkConfig.success)
    return refused('/check_config', 'invalid_config', 'The check does not know this configuration');
  const signal = new AbortController().signal;
  const report = await lookWith(check, { observer: reader, ...context, signal }, checkConfig.data, config.object);
  const finding = report.findings.find(({ fingerprint }) => fingerprint === config.fingerprint);
  const planId = finding === undefined ? null : planIdOf(finding);
  if (config.plan_id !== '' && planId !== null && config.plan_id !== planId) {
    return refused('/plan_id', 'plan_changed', 'What would be done is not what was shown: look at the plan again');
  }
  return {
    kind: 'facts',
    facts: { finding, unknown: unseen(report, config.object) },
  };
}

/** Why the object was not judged; empty = it was, and what is not found any more is gone. */
function unseen({ unknown, unjudged }: CheckReport, object: string): readonly UnknownObject[] {
  const own = unknown.filter((entry) => entry.object === object);
  if (own.length > 0) return own;
  if (unjudged !== 'all' && !unjudged.includes(object)) return [];
  const [first] = unknown;
  return [{ object, reason: first?.reason ?? 'not_judged', grant: first?.grant ?? null }];
}

/** Names what would be done: the same statements, the same id. */
export function planIdOf({ fingerprint, action }: FoundFinding): string {
  return createHash('sha256')
    .update(JSON.stringify([fingerprint, action]))
    .digest('hex')
    .slice(0, 32);
}

function refused(pointer: string, code: string, detail: string): FactsResult<FindingFacts> {
  return { kind: 'refused', problems: [{ pointer, code, detail }] };
}
