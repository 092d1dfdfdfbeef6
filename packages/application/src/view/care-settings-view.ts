import type { CareSettingsView } from '@slacktide/contract';
import { type CareLayer, effectiveCareSettings } from '@slacktide/domain';

/** The settings of care as they hold after these layers; `version` is that of the layer that REST changes. */
export function careSettingsView(
  targetId: string | null,
  version: number,
  layers: readonly CareLayer[],
): CareSettingsView {
  const { settings, items } = effectiveCareSettings(layers);
  return {
    target_id: targetId,
    version,
    settings,
    items: items.map(({ path, value, origin, byDefault }) => ({ path, value, origin, default: byDefault })),
  };
}
