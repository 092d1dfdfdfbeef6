import type { CheckName, JsonObject } from '@slacktide/domain';
import { databaseCheck } from '../src/database-check/index.ts';
import type { TargetRig } from './target-rig.ts';

/** How many findings these checks have now; what is left out of their settings is as the checks have it. */
export async function countFindings(
  rig: TargetRig,
  settings: Readonly<Partial<Record<CheckName, JsonObject>>>,
): Promise<number> {
  const checks = Object.keys(settings) as CheckName[];
  const config = settings as Record<string, Record<string, JsonObject[string]>>;
  const { reports } = await rig.run(databaseCheck, { checks, config, sampling: false });
  return reports.reduce((sum, { findings }) => sum + findings.length, 0);
}
