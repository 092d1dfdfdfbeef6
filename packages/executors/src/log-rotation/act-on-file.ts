import {
  FileError,
  identityOf,
  isOrdinary,
  isPlainName,
  isSame,
  moveAside,
  openFile,
  openFolder,
  removeAside,
} from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { FileStep } from './file-step.ts';
import { fileWorkOf } from './file-work.ts';
import { newOwnNames, remnantOf } from './own-files.ts';
import { type Replaced, replaceByCopy } from './replace-by-copy.ts';
import type { LogRotationConfig } from './schema.ts';
import { readServerLog } from './server-log.ts';

/** A file that went, or is not as the plan showed it, is left alone: that is no failure. */
const changed: readonly string[] = ['file_gone', 'symbolic_link'];

/** Does to one file what the plan showed, if it is still that file, in that state, in that folder. */
export async function actOnFile(step: PlannedStep, run: StepRun<LogRotationConfig>): Promise<StepOutcome> {
  const work = fileWorkOf(step);
  if (!isPlainName(work.name)) throw new Error(`expected a plain name in ${step.key}`);
  const { current } = await readServerLog(run.session);
  if (current?.includes(work.name) === true) return { kind: 'skipped', reason: 'in_use_by_the_server' };
  try {
    await using folder = await openFolder(work.root, run.fileRoots);
    if (folder.device !== work.folder.device || folder.inode !== work.folder.inode) {
      return { kind: 'skipped', reason: 'folder_changed' };
    }
    await using source = await openFile(folder, work.name);
    const stats = await source.stat({ bigint: true });
    if (!isOrdinary(stats) || !isSame(identityOf(stats), work.identity)) return { kind: 'skipped', reason: 'changed' };
    return await onRecord(step, { run, work, folder, source, names: newOwnNames(), stillMay: () => stillMay(run) });
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (changed.includes(error.code)) return { kind: 'skipped', reason: error.code };
    return { kind: 'failed', error: { code: error.code, message: error.message } };
  }
}

/** By a question in the session that holds the target's lock: it is refused once the lease is not proven any more. */
async function stillMay({ session, signal }: StepRun<LogRotationConfig>): Promise<void> {
  signal.throwIfAborted();
  await session.query('SELECT 1');
}

/** Acts with what may be left behind on record. */
async function onRecord(step: PlannedStep, at: FileStep): Promise<StepOutcome> {
  const { run, work } = at;
  const started = performance.now();
  const close = await run.remnant(remnantOf(work, at.names));
  let isClear = true;
  try {
    const outcome = work.action === 'delete' ? await remove(at) : await replaceByCopy(at);
    if (outcome.kind === 'refused') return outcome.outcome;
    await run.effect({
      action: `${work.action}_file`,
      object: step.key,
      objectKind: 'file',
      durationMs: performance.now() - started,
      sizeBeforeBytes: work.identity.sizeBytes,
      sizeAfterBytes: outcome.bytes,
      wasteBeforePercent: null,
      wasteAfterPercent: null,
      detail: outcome.copy ?? {},
    });
    const bytes = { size_before_bytes: work.identity.sizeBytes, size_after_bytes: outcome.bytes };
    // What was moved to another folder is freed here.
    const freed = work.identity.sizeBytes - (work.action === 'archive' ? 0 : outcome.bytes);
    return { kind: 'done', result: { action: work.action, ...bytes, bytes_freed: freed, ...outcome.copy } };
  } catch (error) {
    isClear = !(error instanceof FileError && error.code === 'left_aside');
    throw error;
  } finally {
    // What could not be put back keeps its record: the next task on the target looks at it again.
    if (isClear) await close('absent');
  }
}

async function remove({ folder, work, names, stillMay: mayStill }: FileStep): Promise<Replaced> {
  const file = { folder, name: work.name, aside: names.aside, identity: work.identity };
  await mayStill();
  const isRemoved = (await moveAside(file)) && (await removeAside(file));
  if (!isRemoved) return { kind: 'refused', outcome: { kind: 'skipped', reason: 'changed' } };
  return { kind: 'replaced', bytes: 0 };
}
