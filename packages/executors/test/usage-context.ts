import type { LookContext, NodeUsage } from '@slacktide/application/ports';
import { noContext } from '../../../test/support/no-context.ts';
import type { TargetRig } from './target-rig.ts';

const dayMs = 86_400_000;

/** How an index was used on a node: watched for `days`, until `silentHours` ago. */
export function usageOn(
  node: string,
  { scans = 0, days = 60, silentHours = 1 }: { scans?: number; days?: number; silentHours?: number } = {},
): NodeUsage {
  const lastSampledAt = new Date(Date.now() - silentHours * 3_600_000);
  return { node, scans, lastSampledAt, observedSince: new Date(lastSampledAt.getTime() - days * dayMs) };
}

/** A ledger that remembers the use of every index of the rig's database, by its name without schema; of the rest that it was not used on the primary. */
export async function usageContext(
  rig: TargetRig,
  byIndex: Readonly<Record<string, readonly NodeUsage[]>> = {},
  standbys: LookContext['standbys'] = [],
): Promise<LookContext> {
  const rows = await rig.sql<{ oid: number; name: string }>(
    `SELECT indexrelid AS oid, relname AS name FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.oid >= 16384`,
  );
  const unused = [usageOn('primary'), ...standbys.map(({ name }) => usageOn(name))];
  const usage = rows.map(({ oid, name }) => ({ oid, nodes: byIndex[name] ?? unused }));
  return { ...noContext, standbys, memory: { ...noContext.memory, usage: async () => usage } };
}
