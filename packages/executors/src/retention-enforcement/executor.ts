import type { Executor, Inspection, InterruptedWork, TargetReader } from '@slacktide/application/ports';
import { deleteRows } from './delete-rows.ts';
import { readDetachProof, sweepDetach } from './detach-remnant.ts';
import { type RetentionFacts, readRetentionFacts } from './facts.ts';
import { readPartitionState } from './partition-state.ts';
import { planRetention } from './plan.ts';
import { retirePartition } from './retire-partition.ts';
import { type RetentionConfig, taskType } from './schema.ts';

/** What is older than it may be goes: partitions as a whole, rows in batches. */
export const retentionEnforcement: Executor<RetentionConfig, RetentionFacts> = {
  taskType,
  readFacts: readRetentionFacts,
  plan: planRetention,
  runStep: (step, run) => (step.data['work'] === 'partition' ? retirePartition(step, run) : deleteRows(step, run)),
  inspect: inspectRetention,
  sweep: sweepDetach,
  summarise: (results) => {
    const done = results.flatMap(({ step, outcome }) =>
      outcome.kind === 'done' ? [{ step, result: outcome.result }] : [],
    );
    const partitions = done.filter(({ step }) => step.data['work'] === 'partition');
    return {
      partitions: partitions.length,
      deleted_rows: done.reduce((sum, { result }) => sum + Number(result['deleted_rows'] ?? 0), 0),
      bytes: partitions.reduce((sum, { step }) => sum + (step.sizeBytes ?? 0), 0),
    };
  },
};

/** Where the partition in hand stands; of rows nobody can tell how many went. A person has to say: what is gone is gone. */
async function inspectRetention(
  reader: TargetReader,
  { steps, remnants }: InterruptedWork<RetentionConfig>,
): Promise<Inspection> {
  const inHand = steps.filter(({ state }) => state === 'RUNNING').map(({ key }) => key);
  const proofs = remnants.flatMap(({ proof }) => readDetachProof(proof) ?? []);
  const partitions = await Array.fromAsync(proofs, async ({ partition, partition_oid, drops, attach_sql }) => {
    const state = await readPartitionState(reader, partition_oid);
    const now =
      state === undefined
        ? 'gone'
        : state.parentOid === null
          ? 'detached'
          : state.pending
            ? 'half detached'
            : 'attached';
    return { partition, now, was_to_be_dropped: drops, attach_sql };
  });
  return { kind: 'unclear', evidence: { in_hand: inHand, partitions } };
}
