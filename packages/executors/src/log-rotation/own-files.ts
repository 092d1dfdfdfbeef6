import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { FileIdentity } from '@slacktide/acting';
import type { NewRemnant } from '@slacktide/application/ports';
import { z } from 'zod';
import { ownPrefix } from './due-files.ts';
import type { FileWork } from './file-work.ts';

/** Names of files that one step makes: nobody can guess them, so a file that has one is ours. */
export interface OwnNames {
  readonly token: string;
  /** What is being written, in the folder it will be in. */
  readonly part: string;
  /** The original, moved aside to be looked at before it is removed. */
  readonly aside: string;
}

export function newOwnNames(): OwnNames {
  return ownNamesOf(randomBytes(16).toString('hex'));
}

function ownNamesOf(token: string): OwnNames {
  return { token, part: `${ownPrefix}${token}.part`, aside: `${ownPrefix}${token}.aside` };
}

const proof = z.object({
  token: z.string().regex(/^[0-9a-f]{32}$/),
  host: z.string(),
  root: z.string(),
  folder_inode: z.string(),
  name: z.string(),
  identity: z.object({ device: z.string(), inode: z.string(), sizeBytes: z.number(), modifiedNs: z.string() }),
  written_to: z.string(),
});

/** What proves later that a file is ours, and tells where it belongs. */
export interface OwnFiles {
  readonly names: OwnNames;
  readonly host: string;
  readonly root: string;
  readonly folderInode: string;
  readonly name: string;
  readonly identity: FileIdentity;
  /** The folder of the part. */
  readonly writtenTo: string;
}

export function remnantOf(work: FileWork, { token }: OwnNames): NewRemnant {
  const { root, folder, name, identity, archiveTo } = work;
  return {
    kind: 'file',
    proof: {
      token,
      host: hostname(),
      root,
      folder_inode: folder.inode,
      name,
      identity: { ...identity },
      written_to: archiveTo ?? root,
    },
  };
}

/** Undefined for what no step of ours wrote. */
export function ownFilesOf(remnantProof: unknown): OwnFiles | undefined {
  const parsed = proof.safeParse(remnantProof);
  if (!parsed.success) return undefined;
  const { token, host, root, folder_inode: folderInode, name, identity, written_to: writtenTo } = parsed.data;
  return { names: ownNamesOf(token), host, root, folderInode, name, identity, writtenTo };
}
