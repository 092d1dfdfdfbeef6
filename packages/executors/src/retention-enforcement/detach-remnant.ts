import { setTimeout as sleep } from 'node:timers/promises';
import {
  type NewRemnant,
  type Remnant,
  type RemnantOutcome,
  TargetError,
  type TargetReader,
  type TargetSession,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import { readPartitionState } from './partition-state.ts';

/** What has to be known, before a partition is detached, to finish that later. */
const detachProof = z.object({
  /** Key of the step. */
  step: z.string(),
  system_identifier: z.string(),
  database: z.string(),
  partition_oid: z.number(),
  parent_oid: z.number(),
  /** Quoted by the server. */
  partition: z.string(),
  parent: z.string(),
  attach_sql: z.string(),
  /** It was to be dropped afterwards. */
  drops: z.boolean(),
});
export type DetachProof = z.infer<typeof detachProof>;

export async function detachRemnant(
  reader: TargetReader,
  proof: Omit<DetachProof, 'system_identifier' | 'database'>,
): Promise<NewRemnant> {
  const database = await readDatabase(reader);
  return {
    kind: 'table',
    proof: { ...proof, system_identifier: reader.identity.epoch.systemIdentifier, database },
  };
}

export function readDetachProof(proof: JsonObject): DetachProof | undefined {
  return detachProof.safeParse(proof).data;
}

/** FINALIZE holds ACCESS EXCLUSIVE on the partition while it waits for older snapshots: it gives up soon, and tries again. */
export const finalizeAttemptsMs = [250, 1_000];
const pauseMs = 1_500;

/**
 * Finishes a detach that was cut short. A table that was to be dropped stays, detached: what to do with its rows is for a person to say. Rejects with
 * TargetError when it cannot be finished now.
 */
export async function sweepDetach(
  session: TargetSession,
  remnant: Remnant,
): Promise<{ readonly outcome: RemnantOutcome; readonly note: string }> {
  const proof = readDetachProof(remnant.proof);
  if (proof === undefined) return { outcome: 'kept', note: `record ${remnant.id} is none of a detach` };
  const isHere =
    session.identity.epoch.systemIdentifier === proof.system_identifier &&
    (await readDatabase(session)) === proof.database;
  if (!isHere)
    return { outcome: 'kept', note: `record ${remnant.id} is of the database ${proof.database} on another system` };
  const state = await readPartitionState(session, proof.partition_oid);
  if (state === undefined) return { outcome: 'absent', note: `${proof.partition} is gone` };
  if (state.parentOid === null) return detached(proof, 'absent');
  // Names may have changed; the server's own are used.
  const parent = await readPartitionState(session, state.parentOid);
  if (!state.pending || parent === undefined)
    return { outcome: 'absent', note: `${state.quoted} is a partition as before` };
  await finalize(session, parent.quoted, state.quoted);
  return detached(proof, 'swept');
}

function detached(proof: DetachProof, outcome: RemnantOutcome): { outcome: RemnantOutcome; note: string } {
  if (!proof.drops) return { outcome, note: `${proof.partition} is detached` };
  return {
    outcome: 'kept',
    note: `${proof.partition} is detached and was not dropped: drop it, or attach it again by ${proof.attach_sql}`,
  };
}

async function finalize(session: TargetSession, parent: string, partition: string): Promise<void> {
  for (const [attempt, limitMs] of finalizeAttemptsMs.entries()) {
    if (attempt > 0) await sleep(pauseMs);
    await session.execute(`SET lock_timeout = '${limitMs}ms'`);
    try {
      await session.execute(`ALTER TABLE ${parent} DETACH PARTITION ${partition} FINALIZE`);
      break;
    } catch (error) {
      const isLast = attempt === finalizeAttemptsMs.length - 1;
      if (!(error instanceof TargetError) || error.code !== 'lock_timeout' || isLast) throw error;
    }
  }
  await session.execute('RESET lock_timeout');
}

async function readDatabase(reader: TargetReader): Promise<string> {
  const [row] = await reader.query<{ database: string }>('SELECT current_database()::text AS database');
  if (row === undefined) throw new Error('expected one row');
  return row.database;
}
