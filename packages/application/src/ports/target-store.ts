import type { Target } from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

export interface TargetReaderStore {
  get(id: string): Promise<Target | undefined>;
  list(page: Page, filter?: { labels?: Readonly<Record<string, string>> | undefined }): Promise<PageOf<Target>>;
  /** Every target that carries all these labels. */
  findByLabels(labels: Readonly<Record<string, string>>): Promise<readonly Target[]>;
  /** Those of `ids` that exist. */
  findByIds(ids: readonly string[]): Promise<readonly Target[]>;
}

export interface TargetWriter {
  getForUpdate(id: string): Promise<Target | undefined>;
  /** @throws AppError `conflict` when the id is taken. */
  insert(target: Target): Promise<void>;
  /** False when the version is no longer `target.version - 1`. */
  update(target: Target): Promise<boolean>;
  /** Removes what workers said of it too. @throws AppError `conflict` when a schedule names it by id, or a job of it is not over. */
  delete(id: string): Promise<void>;
}
