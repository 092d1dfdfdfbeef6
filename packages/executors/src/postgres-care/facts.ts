import type { LookContext, TargetReader } from '@slacktide/application/ports';
import { type CareSetting, type CareSettings, type CheckName, effectiveCareSettings } from '@slacktide/domain';

/** What a run of care starts from. */
export interface CareFacts {
  readonly database: string;
  readonly settings: CareSettings;
  readonly items: readonly CareSetting[];
  readonly lastRuns: ReadonlyMap<CheckName, Date>;
  /** The ledger's clock. */
  readonly now: Date;
}

export async function readCareFacts(reader: TargetReader, { memory }: LookContext): Promise<CareFacts> {
  const [row] = await reader.query<{ database: string }>('SELECT current_database()::text AS database');
  const { settings, items } = effectiveCareSettings(await memory.careLayers());
  return { database: row?.database ?? '', settings, items, lastRuns: await memory.lastRuns(), now: await memory.now() };
}
