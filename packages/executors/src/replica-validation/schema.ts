import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { failOnField, relationName } from '../config-fields.ts';

const atLeastZero = (byDefault: number, what: string) => z.number().min(0).default(byDefault).describe(what);

const config = z.strictObject({
  max_lag_mb: atLeastZero(256, 'A standby may lack this much WAL of its primary, in MiB. Default 256.'),
  max_lag_seconds: atLeastZero(300, 'A standby may be this far behind its primary in time, in seconds. Default 300.'),
  max_slot_retained_mb: atLeastZero(
    1024,
    'A replication slot may keep this much WAL from being removed, in MiB. Default 1024.',
  ),
  max_inactive_seconds: atLeastZero(3600, 'A replication slot may go unread for this long, in seconds. Default 3600.'),
  fail_on: failOnField,
  content_check: z
    .boolean()
    .default(false)
    .describe(
      'Also verify a sample of the indexes on every standby with bt_index_check, another sample every day. Default false.',
    ),
  content_max_mb: atLeastZero(256, 'Most MiB of indexes verified on each standby. Default 256.'),
  content_max_indexes: z
    .int()
    .min(1)
    .max(500)
    .default(20)
    .describe('Most indexes verified on each standby in one run. Default 20.'),
  compare_tables: z
    .array(relationName)
    .max(50)
    .default([])
    .describe(
      'Tables by name whose rows are counted and hashed on the primary and on every standby, and compared. Default none. A name the target lacks is refused.',
    ),
  compare_max_mb: atLeastZero(256, 'Tables larger than this many MiB are not compared. Default 256.'),
  compare_wait_seconds: z
    .int()
    .min(1)
    .max(600)
    .default(30)
    .describe('How long a standby may take to replay what the primary had when it was counted. Default 30.'),
});
export type ReplicaValidationConfig = z.infer<typeof config>;

/** The settings of the check `replication`. */
export function replicationSettings(config: ReplicaValidationConfig) {
  const { max_lag_mb, max_lag_seconds, max_slot_retained_mb, max_inactive_seconds } = config;
  return { max_lag_mb, max_lag_seconds, max_slot_retained_mb, max_inactive_seconds };
}

export const taskType: TaskType<ReplicaValidationConfig> = {
  type: 'REPLICA_VALIDATION',
  category: 'durability',
  access: 'observe',
  class: 'idempotent',
  description:
    'Looks at the replication of a primary and at every standby registered with it; where asked to, verifies indexes on the standbys and compares rows. A standby that cannot be reached is unknown, never well.',
  config,
};
