import type { FileIdentity } from '@slacktide/acting';
import type { PlannedStep } from '@slacktide/application/ports';
import { z } from 'zod';

const work = z.object({
  action: z.enum(['delete', 'compress', 'archive']),
  root: z.string(),
  folder: z.object({ device: z.string(), inode: z.string() }),
  name: z.string(),
  archive_to: z.string().nullable(),
  identity: z.object({ device: z.string(), inode: z.string(), sizeBytes: z.number(), modifiedNs: z.string() }),
});

/** What a step does to one file, as it was planned. */
export interface FileWork {
  readonly action: 'delete' | 'compress' | 'archive';
  readonly root: string;
  /** Which folder it was: another one at the same path is not touched. */
  readonly folder: { readonly device: string; readonly inode: string };
  readonly name: string;
  readonly archiveTo: string | null;
  readonly identity: FileIdentity;
}

export function fileWorkOf({ data }: PlannedStep): FileWork {
  const { archive_to: archiveTo, ...rest } = work.parse(data);
  return { ...rest, archiveTo };
}
