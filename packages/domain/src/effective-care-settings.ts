import { type CareSettings, careSettings, defaultCareSettings } from './care-settings.ts';
import type { Json, JsonObject } from './json.ts';

/** Who said what a setting is: nobody, the file of the control plane, or somebody over REST, for all targets or for one. */
export const careOrigins = ['file', 'fleet', 'target'] as const;
export type CareOrigin = (typeof careOrigins)[number];

/** What somebody said that differs from the defaults. */
export interface CareLayer {
  readonly origin: CareOrigin;
  readonly settings: JsonObject;
}

/** One setting as it holds. */
export interface CareSetting {
  /** E.g. `features.index_cleanup.min_scans`. */
  readonly path: string;
  readonly value: Json;
  readonly origin: 'default' | CareOrigin;
  readonly byDefault: Json;
}

export interface EffectiveCareSettings {
  readonly settings: CareSettings;
  /** Every setting, in the order of the document. */
  readonly items: readonly CareSetting[];
}

/** What holds after all layers, each over those before it. @throws ZodError for a layer that was not checked */
export function effectiveCareSettings(layers: readonly CareLayer[]): EffectiveCareSettings {
  const said = new Map<string, { value: Json; origin: CareOrigin }>();
  for (const { origin, settings } of layers) {
    for (const [path, value] of leavesOf(settings)) said.set(path, { value, origin });
  }
  const items = [...leavesOf(defaultCareSettings)].map(([path, byDefault]): CareSetting => {
    const latest = said.get(path);
    return { path, value: latest?.value ?? byDefault, origin: latest?.origin ?? 'default', byDefault };
  });
  return { settings: careSettings.parse(nested(items)), items };
}

/** Paths and values of everything that is no object itself. */
export function* leavesOf(value: JsonObject, at: readonly string[] = []): Generator<[string, Json]> {
  for (const [key, inner] of Object.entries(value)) {
    const path = [...at, key];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
      yield* leavesOf(inner as JsonObject, path);
    else yield [path.join('.'), inner];
  }
}

interface Tree {
  [key: string]: Json | Tree;
}

function nested(items: readonly CareSetting[]): Tree {
  const root: Tree = {};
  for (const { path, value } of items) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at = root;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Tree;
    }
    at[last] = value;
  }
  return root;
}
