import type { CheckMemory } from '@slacktide/application/ports';
import { readMemory as readIndexes } from './index-bloat/remembered.ts';
import { readMemory as readTables } from './table-bloat/remembered.ts';

/** Percent of waste by filenode, as the checks of bloat measured it last; a rewritten relation has another filenode, and is not among them. */
export async function measuredWaste(memory: Pick<CheckMemory, 'snapshots'>): Promise<ReadonlyMap<number, number>> {
  const [indexes] = await memory.snapshots('index_bloat', { limit: 1 });
  const [tables] = await memory.snapshots('table_bloat', { limit: 1 });
  const measured = [...readIndexes(indexes).values(), ...readTables(tables).values()];
  return new Map(measured.flatMap(({ filenode, waste }) => (waste === null ? [] : [[filenode, waste] as const])));
}
