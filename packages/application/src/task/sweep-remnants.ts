import type { JsonObject } from '@slacktide/domain';
import { type Executor, type Remnant, type Remnants, TargetError, type TargetSession } from '../ports/index.ts';

/** What became of what earlier tasks had left behind. */
export interface SweptRemnants {
  readonly swept: readonly string[];
  /** Not ours, or nobody can tell: somebody has to look. */
  readonly kept: readonly string[];
  /** Ours, but could not go now: the next task tries again. */
  readonly left: readonly string[];
}

/**
 * Sweeps open remnants of a target, each by the executor of its task type, in a session that holds the advisory lock: so whoever left them is
 * over. What this process has no executor for stays for those who have; what outlived its task's history nobody can sweep, and is kept. Rejects only
 * when the session is lost or told to stop.
 */
export async function sweepRemnants(
  deps: {
    readonly remnants: Pick<Remnants, 'close'>;
    readonly executorOf: (type: string) => Executor | undefined;
    readonly fileRoots?: readonly string[] | undefined;
  },
  session: TargetSession,
  open: readonly Remnant[],
): Promise<SweptRemnants> {
  const swept: string[] = [];
  const kept: string[] = [];
  const left: string[] = [];
  for (const remnant of open) {
    const sweep = remnant.taskType === null ? keepOrphan : deps.executorOf(remnant.taskType)?.sweep;
    if (sweep === undefined) continue;
    try {
      const { outcome, note } = await sweep(session, remnant, { fileRoots: deps.fileRoots ?? [] });
      // A record that could not be closed is looked at once more by the next task, and found absent.
      await deps.remnants.close(remnant.id, outcome, note).catch(() => undefined);
      if (outcome === 'swept') swept.push(note);
      if (outcome === 'kept') kept.push(note);
    } catch (error) {
      if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
      left.push(error.message);
    }
  }
  return { swept, kept, left };
}

const keepOrphan: NonNullable<Executor['sweep']> = async (_, { id, kind, taskId, proof }) => ({
  outcome: 'kept',
  note: `record ${id} (${kind}) of task ${taskId}, which is gone from history: ${JSON.stringify(proof)}`,
});

/** For a task's result; nothing when there was nothing. */
export function sweptResult({ swept, kept, left }: SweptRemnants): JsonObject {
  if (swept.length + kept.length + left.length === 0) return {};
  return { remnants: { swept: [...swept], kept: [...kept], left: [...left] } };
}
