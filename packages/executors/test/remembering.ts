import type { CheckSnapshot, LookContext, TargetMemory } from '@slacktide/application/ports';
import type { CheckName } from '@slacktide/domain';
import { noContext } from '../../../test/support/no-context.ts';
import { databaseCheck } from '../src/database-check/index.ts';
import type { RigRun, TargetRig } from './target-rig.ts';

/** A ledger that remembers what checks left, of the runs that it is told of. */
export function remembering(
  given: Partial<Omit<LookContext, 'memory'>> & { readonly memory?: Partial<TargetMemory> } = {},
): { readonly context: LookContext; keep(run: RigRun): void; readonly snapshots: Map<CheckName, CheckSnapshot> } {
  const snapshots = new Map<CheckName, CheckSnapshot>();
  const { memory, ...rest } = given;
  return {
    snapshots,
    context: {
      ...noContext,
      ...rest,
      memory: {
        ...noContext.memory,
        snapshots: async (check) => [snapshots.get(check) ?? []].flat(),
        ...memory,
      },
    },
    keep: ({ reports }) => {
      for (const { check, snapshot } of reports) {
        if (snapshot !== undefined) snapshots.set(check, { at: new Date(), values: snapshot });
      }
    },
  };
}

/** Runs one check as DATABASE_CHECK does, with the settings it has by itself. */
export function runCheckOf(rig: TargetRig, check: CheckName, context: LookContext): Promise<RigRun> {
  return rig.run(databaseCheck, { checks: [check], sampling: false }, { context });
}
