import { describe, expect, it } from 'vitest';
import { careCheckConfigs, careSettings, defaultCareSettings } from './care-settings.ts';

/** The configuration as the document of the run shows it; every value there is the default. */
const documented = {
  operational: { maintenance_tasks: { enabled: true } },
  features: {
    index_cleanup: { enabled: true, min_scans: 10, days_unused: 7, auto_cleanup: false },
    index_health: {
      enabled: true,
      bloat_threshold: 20,
      min_size_mb: 1,
      auto_reindex: false,
      reindex_schedule: 'weekly',
    },
    pattern_learning: { enabled: true, interval: 3600 },
    statistics_refresh: { enabled: true, interval_hours: 24, stale_threshold_hours: 24, min_table_size_mb: 10 },
    redundant_index_detection: { enabled: true },
    workload_analysis: { enabled: true, interval_hours: 6 },
    foreign_key_suggestions: { enabled: true, interval_hours: 6 },
    concurrent_index_monitoring: { enabled: true },
    materialized_view_support: { enabled: true, interval_hours: 12 },
    predictive_maintenance: { enabled: true, interval: 86400 },
    ml_interception: { training_enabled: true, training_interval: 86400 },
  },
};

const empty = { operational: {}, features: {} };

describe('careSettings', () => {
  it('has the defaults of the document', () => {
    expect(defaultCareSettings).toMatchObject(documented);
    expect(careSettings.parse(documented)).toEqual(defaultCareSettings);
  });

  it('keeps everything that would act by itself switched off', () => {
    expect(defaultCareSettings.features.index_cleanup.auto_cleanup).toBe(false);
    expect(defaultCareSettings.features.index_health.auto_reindex).toBe(false);
  });

  it.each([
    [{ features: { index_cleanup: { min_scan: 3 } } }, ['features', 'index_cleanup'], 'min_scan'],
    [{ features: { index_clean: {} } }, ['features'], 'index_clean'],
    [{ operation: {} }, [], 'operation'],
  ])('refuses the unknown key of %j', (settings, path, key) => {
    const { error } = careSettings.safeParse({ ...empty, ...settings });
    expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', path, keys: [key] }]);
  });

  it.each([
    { features: { index_cleanup: { min_scans: -1 } } },
    { features: { index_health: { bloat_threshold: 101 } } },
    { features: { index_health: { reindex_schedule: 'daily' } } },
    { features: { statistics_refresh: { interval_hours: '24' } } },
  ])('refuses %j', (settings) => {
    expect(careSettings.safeParse({ ...empty, ...settings }).success).toBe(false);
  });

  it('hands thresholds on to the checks', () => {
    const settings = careSettings.parse({
      operational: {},
      features: { index_cleanup: { min_scans: 50 }, advisory_lock_cleanup: { stale_after_seconds: 60 } },
    });
    expect(careCheckConfigs(settings)).toEqual({
      stale_advisory_lock: { stale_after_seconds: 60 },
      stale_operation: { stale_after_seconds: 600 },
      unused_index: { min_scans: 50, days_unused: 7 },
      index_bloat: { bloat_threshold: 20, min_size_mb: 1 },
      stale_statistics: { stale_threshold_hours: 24, min_table_size_mb: 10 },
    });
  });
});
