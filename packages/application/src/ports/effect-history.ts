import type { LastingEffect } from '@slacktide/domain';
import type { EffectAction, PastEffect } from './act-records.ts';
import type { Page, PageOf } from './page.ts';

export interface EffectFilter {
  readonly targetId?: string | undefined;
  /** `schema.name`, quoted by the server. */
  readonly object?: string | undefined;
  readonly action?: EffectAction | undefined;
}

/** What a statement was counted for between two looks within the week after an effect. */
export interface StatementSince {
  readonly queryId: string;
  readonly calls: number;
  readonly meanMs: number;
}

/** How an object was after an effect, until the next that changed it, by the samples of the primary. Null = not seen, or not measured. */
export interface Aftermath {
  /** The latest look at it. */
  readonly seenAt: Date | null;
  readonly sizeBytes: number | null;
  readonly wastePercent: number | null;
  /** When measured waste had first reached again what the object was worked on for: `threshold_percent` of the effect's detail, else its waste before. */
  readonly wasteBackAt: Date | null;
  /** Of the statements that the effect's detail tells of. */
  readonly statements: readonly StatementSince[];
}

/** An effect and what came of it. */
export interface LastedEffect {
  readonly effect: PastEffect;
  readonly aftermath: Aftermath;
}

/** As advice is made of it. */
export function toLasting({ effect, aftermath }: LastedEffect): LastingEffect {
  const { action, at, sizeBeforeBytes, sizeAfterBytes, wasteBeforePercent, detail } = effect;
  const fillfactor = detail['fillfactor'];
  return {
    action,
    at,
    sizeBeforeBytes,
    sizeAfterBytes,
    wasteBeforePercent,
    wasteSincePercent: aftermath.wastePercent,
    wasteBackAt: aftermath.wasteBackAt,
    fillfactor: typeof fillfactor === 'number' ? fillfactor : null,
  };
}

/** Of an object, so many of its latest effects are what advice is made of. */
export const advisingEffects = 12;

/** What act work did, of all targets, and how it lasted. */
export interface EffectReader {
  /** Newest first. */
  list(page: Page, filter?: EffectFilter): Promise<PageOf<PastEffect>>;
  /** The newest effects on each of these objects, at most so many of each. */
  ofObjects(objects: readonly Pick<PastEffect, 'targetId' | 'object'>[], each: number): Promise<readonly PastEffect[]>;
  /** By the effects' ids. */
  aftermaths(effects: readonly PastEffect[]): Promise<ReadonlyMap<number, Aftermath>>;
}
