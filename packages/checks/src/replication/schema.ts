import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  max_lag_mb: z
    .number()
    .min(0)
    .default(256)
    .describe('A standby may lack this much WAL of its primary, in MiB. Default 256.'),
  max_lag_seconds: z
    .number()
    .min(0)
    .default(300)
    .describe('A standby may be this far behind its primary in time, in seconds. Default 300.'),
  max_slot_retained_mb: z
    .number()
    .min(0)
    .default(1024)
    .describe('A replication slot may keep this much WAL from being removed, in MiB. Default 1024.'),
  max_inactive_seconds: z
    .number()
    .min(0)
    .default(3600)
    .describe('A replication slot may go unread for this long, in seconds. Default 3600.'),
});
export type ReplicationConfig = z.infer<typeof config>;

export const checkType: CheckType<ReplicationConfig> = {
  name: 'replication',
  description:
    'Standbys from both sides (streaming, lag, paused replay, another timeline or cluster), replication slots that keep WAL or have lost it, synchronous standbys that are missing, and subscriptions that fail.',
  config,
};
