import { type CheckName, type JsonObject, objectKey } from '@slacktide/domain';
import { databaseCheck } from '../src/database-check/index.ts';
import type { TargetRig } from './target-rig.ts';

/**
 * What a check finds now, as FINDING_ACTION is told of it: the finding whose fingerprint has `has` in it. Undefined when there is none. What is
 * left out of `settings` is as the check has it.
 */
export async function findIn(
  rig: TargetRig,
  check: CheckName,
  has: string,
  settings: JsonObject = {},
): Promise<JsonObject | undefined> {
  const config = { [check]: settings } as Record<string, Record<string, JsonObject[string]>>;
  const { reports } = await rig.run(databaseCheck, { checks: [check], config, sampling: false });
  const finding = reports[0]?.findings.find(({ fingerprint }) => fingerprint.includes(has));
  if (finding === undefined) return undefined;
  const { fingerprint, object } = finding;
  return { finding_id: 'f1', check, fingerprint, object: objectKey(object), check_config: settings };
}
