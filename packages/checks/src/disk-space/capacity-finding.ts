import type { FoundFinding, JsonObject, Severity } from '@slacktide/domain';
import { daysUntil, type Growth } from './growth.ts';
import type { DiskSpaceConfig } from './schema.ts';

const mib = 1024 * 1024;

/** `usedBytes` of the data directory, against the size of its volume; undefined = room enough. */
export function capacityFinding(
  usedBytes: number,
  growth: Growth | undefined,
  parts: JsonObject,
  config: DiskSpaceConfig,
): FoundFinding | undefined {
  const capacityBytes = config.capacity_mb * mib;
  const usedPercent = Math.round((1000 * usedBytes) / capacityBytes) / 10;
  const days = daysUntil(capacityBytes - usedBytes, growth);
  const severity = severityOf(usedPercent, days, config);
  if (severity === undefined) return undefined;
  const forecast = days === null ? '' : `; at the present growth it is full in ${days} days`;
  return {
    fingerprint: 'cluster:data_directory',
    severity,
    object: { kind: 'cluster', schema: null, name: 'data directory', table: null },
    summary: `What PostgreSQL stores takes ${usedPercent} % of the ${config.capacity_mb} MiB of its volume${forecast}`,
    evidence: {
      used_bytes: usedBytes,
      used_percent: usedPercent,
      capacity_mb: config.capacity_mb,
      warning_percent: config.warning_percent,
      critical_percent: config.critical_percent,
      growth_bytes_per_day: growth?.perDay ?? null,
      growth_low: growth?.low ?? null,
      growth_high: growth?.high ?? null,
      days_until_full: days,
      ...parts,
      no_action_because: 'what may be removed, or how to enlarge the volume, PostgreSQL does not know',
    },
    action: null,
  };
}

function severityOf(usedPercent: number, days: number | null, config: DiskSpaceConfig): Severity | undefined {
  if (usedPercent >= config.critical_percent) return 'critical';
  if (usedPercent >= config.warning_percent) return 'warning';
  return days !== null && days <= config.warning_days ? 'warning' : undefined;
}
