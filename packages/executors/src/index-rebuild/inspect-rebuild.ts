import type { Inspection, InterruptedWork, TargetReader } from '@slacktide/application/ports';
import { readIndexState } from './index-state.ts';
import { type RebuildProof, readProof } from './remnant.ts';
import type { IndexRebuildConfig } from './schema.ts';

/**
 * Whether rebuilds that were cut short came to their end all the same: the name then belongs to another index with the same definition, valid. What
 * had not begun, or ended badly, is not done.
 */
export async function inspectRebuild(
  reader: TargetReader,
  { steps, remnants }: InterruptedWork<IndexRebuildConfig>,
): Promise<Inspection> {
  const proofs = new Map(
    remnants.flatMap(({ proof }) => {
      const known = readProof(proof);
      return known === undefined ? [] : [[known.step, known] as const];
    }),
  );
  const foundDone: string[] = [];
  for (const { key, state } of steps) {
    if (state === 'SUCCEEDED' || state === 'SKIPPED') continue;
    const proof = proofs.get(key);
    if (state !== 'RUNNING' || proof === undefined || !(await isRebuilt(reader, proof))) return { kind: 'not_done' };
    foundDone.push(key);
  }
  if (foundDone.length === 0) return { kind: 'not_done' };
  const done = steps.filter(({ state }) => state === 'SUCCEEDED').length + foundDone.length;
  return { kind: 'done', result: { planned: steps.length, done, found_done: foundDone } };
}

async function isRebuilt(reader: TargetReader, proof: RebuildProof): Promise<boolean> {
  const now = await readIndexState(reader, proof.schema, proof.index);
  return now?.valid === true && now.oid !== proof.index_oid && now.definition === proof.definition;
}
