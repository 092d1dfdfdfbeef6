import type { BigIntStats } from 'node:fs';

/** Which file it is, and in which state: equal ones are the same file, unchanged. Numbers of the file system as text. */
export interface FileIdentity {
  readonly device: string;
  readonly inode: string;
  readonly sizeBytes: number;
  /** Nanoseconds since 1970. */
  readonly modifiedNs: string;
}

export function identityOf({ dev, ino, size, mtimeNs }: BigIntStats): FileIdentity {
  return { device: String(dev), inode: String(ino), sizeBytes: Number(size), modifiedNs: String(mtimeNs) };
}

export function isSame(one: FileIdentity, other: FileIdentity): boolean {
  return (
    one.device === other.device &&
    one.inode === other.inode &&
    one.sizeBytes === other.sizeBytes &&
    one.modifiedNs === other.modifiedNs
  );
}

/** An ordinary file with this name as its only one: nothing else is ever touched. */
export function isOrdinary(stats: BigIntStats): boolean {
  return stats.isFile() && stats.nlink === 1n;
}
