import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  max_ready_files: z
    .int()
    .min(0)
    .default(64)
    .describe(
      'More WAL files than this waiting to be archived are a backlog. Default 64, which is 1 GiB at 16 MiB each.',
    ),
  max_ready_seconds: z
    .number()
    .min(0)
    .default(600)
    .describe('So is a WAL file that has been waiting to be archived for longer than this, in seconds. Default 600.'),
});
export type WalArchivingConfig = z.infer<typeof config>;

export const checkType: CheckType<WalArchivingConfig> = {
  name: 'wal_archiving',
  description:
    'Whether finished WAL reaches the archive: an archiver that fails or never succeeded, files that wait for it, and archiving that is switched on without a command or library.',
  config,
};
