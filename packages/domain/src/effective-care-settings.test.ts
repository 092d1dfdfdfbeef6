import { describe, expect, it } from 'vitest';
import { defaultCareSettings } from './care-settings.ts';
import { effectiveCareSettings, leavesOf } from './effective-care-settings.ts';

const minScans = 'features.index_cleanup.min_scans';
const setting = (path: string, layers: Parameters<typeof effectiveCareSettings>[0]) =>
  effectiveCareSettings(layers).items.find((item) => item.path === path);

describe('effectiveCareSettings', () => {
  it('is the defaults where nobody said anything', () => {
    const { settings, items } = effectiveCareSettings([]);
    expect(settings).toEqual(defaultCareSettings);
    expect(items.every(({ origin, value, byDefault }) => origin === 'default' && value === byDefault)).toBe(true);
    expect(items.length).toBe([...leavesOf(defaultCareSettings)].length);
  });

  it('has the latest layer that says something win, setting by setting', () => {
    const layers = [
      { origin: 'file', settings: { features: { index_cleanup: { min_scans: 20, days_unused: 14 } } } },
      { origin: 'fleet', settings: { features: { index_cleanup: { min_scans: 30 } } } },
      { origin: 'target', settings: { features: { index_health: { enabled: false } } } },
    ] as const;
    expect(setting(minScans, layers)).toEqual({ path: minScans, value: 30, origin: 'fleet', byDefault: 10 });
    expect(setting('features.index_cleanup.days_unused', layers)).toMatchObject({ value: 14, origin: 'file' });
    expect(setting('features.index_health.enabled', layers)).toMatchObject({ value: false, origin: 'target' });
    expect(effectiveCareSettings(layers).settings.features).toMatchObject({
      index_cleanup: { min_scans: 30, days_unused: 14, enabled: true },
      index_health: { enabled: false, bloat_threshold: 20 },
    });
  });

  it('tells who said it even where that is the default', () => {
    const layers = [{ origin: 'file', settings: { features: { index_cleanup: { min_scans: 10 } } } }] as const;
    expect(setting(minScans, layers)).toMatchObject({ value: 10, origin: 'file' });
  });

  it('refuses a layer that was never checked', () => {
    const layers = [{ origin: 'fleet', settings: { features: { index_cleanup: { min_scans: 'many' } } } }] as const;
    expect(() => effectiveCareSettings(layers)).toThrow('min_scans');
  });
});
