import { z } from 'zod';

const limit = (byDefault: number | null, what: string) =>
  z
    .number()
    .min(0)
    .nullable()
    .default(byDefault)
    .describe(`${what} null = not looked at. Default ${byDefault === null ? 'null' : byDefault}.`);

/** How much load a target may be under for work to go on; between two units of work it is waited for. */
export const throttleLimits = z.strictObject({
  max_replica_lag_seconds: limit(60, 'Most seconds that any standby may be behind in replaying.'),
  max_replica_lag_mb: limit(1_024, 'Most MiB of write-ahead log that any standby may have to replay.'),
  max_wal_mb_per_second: limit(256, 'Most MiB of write-ahead log that the server may write a second.'),
  max_archive_backlog: limit(64, 'Most segments that may wait to be archived.'),
  capacity_mb: limit(null, 'Size of the disk in MiB, which SQL cannot know; needed for min_free_disk_mb.'),
  min_free_disk_mb: limit(null, 'Least MiB of that disk that must be free.'),
  max_active_sessions: limit(100, 'Most sessions that may be at work, ours left out.'),
  max_requested_checkpoints: limit(2, 'Most checkpoints a minute that were requested, not timed.'),
  max_waiting_sessions: limit(0, 'Most sessions that may wait for a lock of ours.'),
  max_pause_seconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(600)
    .describe('Longest wait for the load to fall before the rest is left for the next run. Default 600.'),
});
export type ThrottleLimits = z.infer<typeof throttleLimits>;
