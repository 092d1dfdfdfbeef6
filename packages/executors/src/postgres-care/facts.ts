import type { LearningKind, LookContext, TargetReader } from '@slacktide/application/ports';
import { type CareSetting, type CareSettings, type CheckName, effectiveCareSettings } from '@slacktide/domain';

/** What a run of care starts from. */
export interface CareFacts {
  readonly database: string;
  readonly settings: CareSettings;
  readonly items: readonly CareSetting[];
  readonly lastRuns: ReadonlyMap<CheckName, Date>;
  /** When the learning steps ran last, by their number. */
  readonly lastLearned: ReadonlyMap<number, Date>;
  /** The ledger's clock. */
  readonly now: Date;
}

export async function readCareFacts(reader: TargetReader, { memory }: LookContext): Promise<CareFacts> {
  const [row] = await reader.query<{ database: string }>('SELECT current_database()::text AS database');
  const { settings, items } = effectiveCareSettings(await memory.careLayers());
  return {
    database: row?.database ?? '',
    settings,
    items,
    lastRuns: await memory.lastRuns(),
    lastLearned: await readLastLearned(memory),
    now: await memory.now(),
  };
}

/** Each keeps a summary under this key, also when there was nothing to learn. */
export const summaryKey = 'summary';
const kindOfStep: ReadonlyMap<number, LearningKind> = new Map([
  [16, 'forecast'],
  [17, 'model'],
]);

async function readLastLearned(memory: LookContext['memory']): Promise<ReadonlyMap<number, Date>> {
  const known = new Map<number, Date>();
  for (const [step, kind] of kindOfStep) {
    const summary = (await memory.learned(kind)).find(({ key }) => key === summaryKey);
    if (summary !== undefined) known.set(step, summary.learnedAt);
  }
  return known;
}
