import { type Bundle, maintenanceBundles } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import type { AuditEntry, RequestContext } from '../ports/index.ts';
import { scheduleView } from '../view/schedule-view.ts';

/** Makes those of the ready-made schedules that are not there yet, disabled, for these targets; returns the ids of the new ones. */
export async function installBundles(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  targetIds: readonly string[],
): Promise<readonly string[]> {
  const missing: Bundle[] = [];
  for (const bundle of maintenanceBundles(targetIds)) {
    if ((await deps.ledger.schedules.get(bundle.id)) === undefined) missing.push(bundle);
  }
  const [first, ...rest] = missing;
  if (first === undefined) return [];
  return await deps.ledger.transaction(ctx, async (tx) => {
    const now = await tx.now();
    const install = async (bundle: Bundle): Promise<AuditEntry> => {
      const schedule = { ...bundle, version: 1, nextDueAt: null, lastTickAt: null, createdAt: now, updatedAt: now };
      await tx.schedules.insert(schedule);
      const after = scheduleView(schedule);
      return { action: 'schedule.create', entity: 'schedule', entityId: schedule.id, before: null, after };
    };
    const audit: [AuditEntry, ...AuditEntry[]] = [await install(first)];
    for (const bundle of rest) audit.push(await install(bundle));
    return { result: missing.map(({ id }) => id), audit };
  });
}
