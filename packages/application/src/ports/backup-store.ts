import type { BackupKind } from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

/** A backup of a target that somebody took and told us of. */
export interface RegisteredBackup {
  readonly id: string;
  readonly targetId: string;
  /** For people: a name or number of the tool that took it. */
  readonly label: string;
  readonly kind: BackupKind;
  readonly takenAt: Date;
  readonly sizeBytes: number;
  /** Where it is: a path on the worker's host, a URL, or words. Holds no credentials. */
  readonly location: string;
  /** SHA-256 of the file, hex; null = not known. */
  readonly checksum: string | null;
  readonly registeredAt: Date;
  /** Name of who registered it. */
  readonly registeredBy: string;
}

export interface BackupReader {
  /** One that was not deleted. */
  get(id: string): Promise<RegisteredBackup | undefined>;
  /** Those that were not deleted, the latest taken first. */
  list(
    page: Page,
    filter: { readonly targetId: string; readonly kind?: BackupKind | undefined },
  ): Promise<PageOf<RegisteredBackup>>;
}

export interface BackupWriter {
  insert(backup: RegisteredBackup): Promise<void>;
  /** False when there is none any more. */
  delete(id: string, at: Date): Promise<boolean>;
}
