import { expectedDuration, lockModes, type PastDuration, plainName } from '@slacktide/domain';
import {
  type BlastRadius,
  type EffectAction,
  type LockLook,
  type Plan,
  type PlannedStep,
  TargetError,
  type TargetGateway,
  type TargetMemory,
  type TargetReader,
  type WorkedTable,
} from '../ports/index.ts';
import { actionOf } from './concurrent-operation.ts';
import { wouldWait } from './would-wait.ts';

/** Of each step so many are named; the count tells of all. A plan may have thousands of steps. */
const mostNamed = 20;
/** Of each kind of work so many earlier ones are looked at. */
const mostSamples = 1_000;

export interface WeighDeps {
  readonly gateway: Pick<TargetGateway, 'readLocks'>;
  readonly memory: Pick<TargetMemory, 'effects'>;
}

/** Adds to every step whom and what it would touch if it began now: one look at the locks of all of them, and one at the history of each kind of work. */
export async function weighPlans(
  deps: WeighDeps,
  reader: TargetReader,
  plans: readonly Plan[],
): Promise<readonly Plan[]> {
  const steps = plans.flatMap((plan) => plan.steps);
  const locking = steps.filter(takesTableLock);
  const look = await lookAtLocks(deps, reader, locking);
  const held = new Map(locking.map((step, at) => [step, look?.tables[at]]));
  const past = await readPast(deps, steps);
  const weigh = (step: PlannedStep): BlastRadius => {
    const holders = takesTableLock(step) ? held.get(step) : [];
    const waiting = holders === undefined ? null : wouldWait(step, holders, look?.snapshots ?? []);
    return {
      wouldWait: waiting?.slice(0, mostNamed) ?? null,
      wouldWaitCount: waiting?.length ?? null,
      tempDiskBytes: step.cost?.tempDiskBytes ?? null,
      walBytes: step.cost?.walBytes ?? null,
      expectedSeconds: expectedDuration(
        { object: nameOf(step.key), sizeBytes: step.sizeBytes },
        past.get(actionOf(step)) ?? [],
      ),
    };
  };
  return plans.map((plan) => ({
    ...plan,
    steps: plan.steps.map((step) => ({ ...step, blastRadius: weigh(step) })),
  }));
}

function takesTableLock({ lockMode }: PlannedStep): boolean {
  return lockModes.some((mode) => mode === lockMode);
}

/** Undefined when the target would not tell. */
async function lookAtLocks(
  { gateway }: WeighDeps,
  reader: TargetReader,
  steps: readonly PlannedStep[],
): Promise<LockLook | undefined> {
  if (steps.length === 0) return undefined;
  try {
    return await gateway.readLocks(reader, steps.map(tableOf));
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    return undefined;
  }
}

function tableOf({ data, object }: PlannedStep): WorkedTable {
  const { table, table_oid: oid } = data;
  const known = typeof oid === 'number' ? oid : object.kind === 'table' ? object.oid : null;
  return { oid: known, schema: object.schema, name: object.name, table: typeof table === 'string' ? table : null };
}

async function readPast(
  { memory }: WeighDeps,
  steps: readonly PlannedStep[],
): Promise<ReadonlyMap<EffectAction | undefined, readonly PastDuration[]>> {
  const past = new Map<EffectAction | undefined, readonly PastDuration[]>();
  for (const action of new Set(steps.map(actionOf))) {
    if (action === undefined) continue;
    const effects = await memory.effects({ action, limit: mostSamples });
    past.set(
      action,
      effects.map(({ object, sizeBeforeBytes, durationMs }) => ({
        object: nameOf(object),
        sizeBytes: sizeBeforeBytes,
        durationMs,
      })),
    );
  }
  return past;
}

/** Effects are kept by names as the server quotes them; a step may be known by its plain one. */
function nameOf(key: string): string {
  return plainName(key) ?? key;
}
