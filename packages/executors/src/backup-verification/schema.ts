import type { TaskType } from '@slacktide/application/ports';
import type { BackupKind, JsonObject } from '@slacktide/domain';
import { z } from 'zod';

const hours = z.number().positive().max(100_000);

const ofKind = (what: string) => hours.optional().describe(`Hours since the latest ${what}. Default: not asked for.`);

const config = z.strictObject({
  max_age_hours: hours
    .default(26)
    .describe(
      'How old the latest backup may be, of whatever kind but WAL, when no kinds are named. Default 26: a daily one, and what it may be late.',
    ),
  kinds: z
    .strictObject({
      full: ofKind('base backup'),
      incremental: ofKind('incremental one, which also needs a full one before it'),
      wal: ofKind('archived WAL file'),
      logical: ofKind('dump'),
      snapshot: ofKind('snapshot of the volume'),
    } satisfies Record<BackupKind, unknown>)
    .prefault({})
    .describe(
      'How old the latest backup of each kind may be, in hours, e.g. {"full": 170, "incremental": 26}. Every kind named must be there. Default {}: max_age_hours alone.',
    ),
  min_size_bytes: z
    .int()
    .min(0)
    .default(1)
    .describe('How large the latest backup must be at least, in bytes. Default 1: an empty one is none.'),
  min_count: z.int().min(1).max(100).default(1).describe('How many backups of each kind there must be. Default 1.'),
  max_shrink_percent: z
    .number()
    .min(0)
    .max(100)
    .default(50)
    .describe(
      'By how much the latest full, logical or snapshot may be smaller than the median of the ten of its kind before it, in percent. 100 = by any. Default 50.',
    ),
  require_wal: z
    .boolean()
    .default(false)
    .describe(
      'Whether the target must archive WAL. Where it does, both have to be well, asked for or not: WAL without a base backup restores nothing, and the other way only to one moment. Default false.',
    ),
  verify_files: z
    .int()
    .min(0)
    .max(100)
    .default(1)
    .describe(
      'Of how many of the latest backups of each kind the file is looked at, where it lies under an allowed root of the worker. Default 1.',
    ),
  verify_checksums: z
    .boolean()
    .default(false)
    .describe('Also read those files and compare their SHA-256, where one is registered. Default false.'),
});
export type BackupVerificationConfig = z.infer<typeof config> & JsonObject;

export const taskType: TaskType<BackupVerificationConfig> = {
  type: 'BACKUP_VERIFICATION',
  category: 'durability',
  access: 'observe',
  class: 'idempotent',
  description:
    'Whether the backups registered of a target are recent, many and large enough, whether their files are there and whole, and whether WAL is archived to go with them. Restores nothing.',
  // The value of a key that is left out is not JSON; such keys are not there.
  config: config as unknown as TaskType<BackupVerificationConfig>['config'],
};
