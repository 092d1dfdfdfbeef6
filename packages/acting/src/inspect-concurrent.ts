import type { Inspection, InterruptedWork, TargetReader } from '@slacktide/application/ports';
import { type ConcurrentProof, readConcurrentProof } from './concurrent-remnant.ts';

/**
 * Whether steps of one CONCURRENTLY statement each, cut short, came to their end all the same, by what the catalogue shows. What had not begun, or ended
 * badly, is not done.
 */
export async function inspectConcurrent(
  reader: TargetReader,
  { steps, remnants }: Pick<InterruptedWork<unknown>, 'steps' | 'remnants'>,
): Promise<Inspection> {
  const proofs = new Map(
    remnants.flatMap(({ proof }) => {
      const known = readConcurrentProof(proof);
      return known === undefined ? [] : [[known.step, known] as const];
    }),
  );
  const foundDone: string[] = [];
  for (const { key, state } of steps) {
    if (state === 'SUCCEEDED' || state === 'SKIPPED') continue;
    const proof = proofs.get(key);
    if (state !== 'RUNNING' || proof === undefined || !(await isDone(reader, proof))) return { kind: 'not_done' };
    foundDone.push(key);
  }
  if (foundDone.length === 0) return { kind: 'not_done' };
  const done = steps.filter(({ state }) => state === 'SUCCEEDED').length + foundDone.length;
  return { kind: 'done', result: { planned: steps.length, done, found_done: foundDone } };
}

interface IndexNow {
  readonly oid: number;
  readonly named: boolean;
  readonly valid: boolean;
  readonly definition: string;
}

/**
 * The name belongs to a valid index that was not there before (create), to another one with the same definition (reindex); there is none of that name,
 * nor that very index under another one (drop).
 */
async function isDone(reader: TargetReader, proof: ConcurrentProof): Promise<boolean> {
  const found = await reader.query<IndexNow>(
    `SELECT c.oid, (n.nspname::text = $1::text AND c.relname::text = $2::text) AS named,
  (i.indisvalid AND i.indisready AND i.indislive) AS valid, pg_get_indexdef(c.oid) AS definition
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname::text = $1::text AND c.relname::text = $2::text) OR c.oid = $3::oid`,
    [proof.schema, proof.index, proof.index_oid],
  );
  const now = found.find(({ named }) => named);
  switch (proof.operation) {
    case 'drop':
      return found.length === 0;
    case 'create':
      return now?.valid === true && !proof.indexes_before.includes(now.oid);
    case 'reindex':
      return now?.valid === true && now.oid !== proof.index_oid && now.definition === proof.definition;
  }
}
