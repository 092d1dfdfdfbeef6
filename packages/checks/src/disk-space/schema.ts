import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const percent = z.number().min(1).max(100);
const factor = z.number().min(1).max(1000);
const config = z.strictObject({
  capacity_mb: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'Size in MiB of the volume that holds the data directory, which PostgreSQL cannot see. 0 = not known. Default 0.',
    ),
  warning_percent: percent
    .default(80)
    .describe('Warn when what PostgreSQL stores takes this percentage of capacity_mb. Default 80.'),
  critical_percent: percent
    .default(90)
    .describe('Critical when what PostgreSQL stores takes this percentage of capacity_mb. Default 90.'),
  warning_days: z
    .number()
    .min(0)
    .max(365)
    .default(7)
    .describe('Warn when the volume will be full within this many days at the present growth. Default 7.'),
  growth_days: z
    .number()
    .min(3)
    .max(90)
    .default(14)
    .describe('How far back sizes are used to tell the growth, in days. Default 14.'),
  wal_factor: factor
    .default(2)
    .describe('WAL piles up when pg_wal is larger than this many times max_wal_size. Default 2.'),
  wal_critical_factor: factor
    .default(10)
    .describe('WAL piling up is critical when pg_wal is larger than this many times max_wal_size. Default 10.'),
});
export type DiskSpaceConfig = z.infer<typeof config>;

export const checkType: CheckType<DiskSpaceConfig> = {
  name: 'disk_space',
  description:
    'How much PostgreSQL stores, how fast that grows, and when the volume will be full, as far as its size is given; and WAL that piles up, with what keeps it.',
  config,
};
