import { unlink } from 'node:fs/promises';
import {
  type AsideFile,
  bytesOf,
  type Folder,
  identityOf,
  isSame,
  moveAside,
  openFolder,
  publishFile,
  putBack,
  removeAside,
  writeVerified,
} from '@slacktide/acting';
import type { StepOutcome } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type ExistingCopy, findCopy } from './existing-copy.ts';
import type { FileStep } from './file-step.ts';
import { keepingFree } from './keeping-free.ts';

/** What became of an original. */
export type Replaced =
  | {
      readonly kind: 'replaced';
      /** Of what is left of it: its copy, or nothing. */
      readonly bytes: number;
      readonly copy?: JsonObject;
    }
  | { readonly kind: 'refused'; readonly outcome: StepOutcome };

interface Copy extends ExistingCopy {
  /** It has only its working name yet. */
  readonly isNew: boolean;
}

/**
 * Puts a copy, compressed or in the archive, in the place of the original. The original goes only once the copy was read back and has its name; the name
 * is never taken from anything else.
 */
export async function replaceByCopy(at: FileStep): Promise<Replaced> {
  const { run, work, folder } = at;
  if (work.archiveTo === null) return await inFolder(at, folder);
  await using archive = await openFolder(work.archiveTo, run.fileRoots);
  return await inFolder(at, archive);
}

async function inFolder(at: FileStep, to: Folder): Promise<Replaced> {
  const { names, source, work } = at;
  const name = work.action === 'compress' ? `${work.name}.zst` : work.name;
  const existing = await findCopy(at, to, name);
  if (existing === 'another') return refused(taken(to, name));
  try {
    const copy = existing === undefined ? await write(at, to) : { ...existing, isNew: false };
    // It may have grown while it was read.
    if (!isSame(identityOf(await source.stat({ bigint: true })), work.identity)) {
      return refused({ kind: 'skipped', reason: 'changed' });
    }
    await at.stillMay();
    const original = { folder: at.folder, name: work.name, aside: names.aside, identity: work.identity };
    const outcome = await exchange(original, { to, name, part: names.part, isNew: copy.isNew });
    if (outcome !== undefined) return refused(outcome);
    const told = { file: `${to.path}/${name}`, sha256: copy.sha256, ...(copy.isNew ? {} : { was_there: true }) };
    return { kind: 'replaced', bytes: copy.bytes, copy: told };
  } finally {
    if (existing === undefined) await unlink(to.at(names.part)).catch(() => undefined);
  }
}

function refused(outcome: StepOutcome): Replaced {
  return { kind: 'refused', outcome };
}

function taken(to: Folder, name: string): StepOutcome {
  const message = `${to.path}/${name}: something else has this name, and nothing is overwritten`;
  return { kind: 'failed', error: { code: 'destination_exists', message } };
}

async function write({ names, run, source, work }: FileStep, to: Folder): Promise<Copy> {
  const total = work.identity.sizeBytes;
  let done = 0;
  const written = await writeVerified(to, {
    part: names.part,
    content: keepingFree(to, run.config.min_free_mb, bytesOf(source)),
    compress: work.action === 'compress',
    like: await source.stat({ bigint: true }),
    signal: run.signal,
    onBytes: (bytes) => {
      done += bytes;
      run.progress({ phase: 'copying', percent: total === 0 ? 100 : (100 * done) / total, etaSeconds: null });
    },
  });
  return { bytes: written.bytes, sha256: written.sha256, isNew: true };
}

/** Original aside, copy to its name, original removed; undefined when all of it was done, else nothing of it was. */
async function exchange(
  original: AsideFile,
  {
    to,
    name,
    part,
    isNew,
  }: { readonly to: Folder; readonly name: string; readonly part: string; readonly isNew: boolean },
): Promise<StepOutcome | undefined> {
  if (!(await moveAside(original))) return { kind: 'skipped', reason: 'changed' };
  if (isNew && !(await published(original, to, part, name))) return taken(to, name);
  if (await removeAside(original)) return undefined;
  // What it holds is not what the original holds by now.
  if (isNew) await unlink(to.at(name)).catch(() => undefined);
  return { kind: 'skipped', reason: 'changed' };
}

/** The original is back at its name when this is not true. */
async function published(original: AsideFile, to: Folder, part: string, name: string): Promise<boolean> {
  let isPublished = false;
  try {
    isPublished = await publishFile(to, part, name);
  } finally {
    if (!isPublished) await putBack(original);
  }
  return isPublished;
}
