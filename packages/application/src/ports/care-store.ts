import type { CareLayer, CareOrigin, JsonObject } from '@slacktide/domain';

/** What somebody said about care: for all targets, or for one. */
export interface CareSettings {
  readonly origin: CareOrigin;
  /** Set for `target` alone. */
  readonly targetId: string | null;
  readonly settings: JsonObject;
  /** Grows by one with every change; 0 = nothing was said yet. */
  readonly version: number;
  readonly updatedAt: Date | null;
}

export interface CareReader {
  get(origin: CareOrigin, targetId: string | null): Promise<CareSettings>;
  /** The layers that hold for a target, or for the fleet when null, in the order in which a later one wins. */
  layers(targetId: string | null): Promise<readonly CareLayer[]>;
}

export interface CareWriter {
  /** Locks the layer for the rest of the transaction, there or not. */
  getForUpdate(origin: CareOrigin, targetId: string | null): Promise<CareSettings>;
  put(settings: Omit<CareSettings, 'updatedAt'>): Promise<void>;
}
