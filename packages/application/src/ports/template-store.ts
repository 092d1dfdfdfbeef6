import type { CustomTemplate } from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

export interface TemplateFilter {
  readonly name?: string | undefined;
  readonly retired?: boolean | undefined;
}

export interface TemplateReader {
  get(name: string, version: number): Promise<CustomTemplate | undefined>;
  /** The newest version, retired or not. */
  newest(name: string): Promise<CustomTemplate | undefined>;
  /** All versions, the newest first. */
  list(page: Page, filter?: TemplateFilter): Promise<PageOf<CustomTemplate>>;
}

export interface TemplateWriter {
  /** The version that a registration of this name gets; until the transaction ends nobody else gets one. */
  nextVersion(name: string): Promise<number>;
  insert(template: CustomTemplate): Promise<void>;
  /** Locks the row for the rest of the transaction. */
  getForUpdate(name: string, version: number): Promise<CustomTemplate | undefined>;
  /** For good; the only change there is. */
  retire(name: string, version: number, retired: { readonly at: Date; readonly by: string }): Promise<void>;
}
