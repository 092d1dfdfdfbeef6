import type { JsonObject, LearningKind } from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

export type { LearningKind } from '@slacktide/domain';

/** One thing learned. */
export interface NewLearning {
  /** What it is about, unique within its kind: a statement's id, `schema.name`, … */
  readonly key: string;
  /** Never holds a literal of anybody's statement. */
  readonly value: JsonObject;
}

export interface Learning extends NewLearning {
  readonly id: string;
  readonly targetId: string;
  readonly kind: LearningKind;
  readonly firstLearnedAt: Date;
  readonly learnedAt: Date;
}

export interface LearningReader {
  /** Newest first. */
  list(
    page: Page,
    filter: { readonly targetId?: string | undefined; readonly kind?: LearningKind | undefined },
  ): Promise<PageOf<Learning>>;
}
