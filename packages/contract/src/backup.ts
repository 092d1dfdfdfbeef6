import { backupKinds, holdsCredentials } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, Name, Slug, Text, Uuid } from './fields.ts';
import { pageOf, pageQuery } from './page.ts';

const example = {
  label: 'nightly 2026-11-22',
  kind: 'full' as const,
  taken_at: '2026-11-22T02:00:00.000Z',
  size_bytes: 183_500_800,
  location: '/backups/shop/2026-11-22.tar.zst',
  checksum: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
};

const kind = z
  .enum(backupKinds)
  .describe(
    '`full`: a base backup; `incremental`: builds on an earlier one; `wal`: archived WAL; `logical`: a dump; `snapshot`: of a volume',
  );

/** Body of POST /targets/{id}/backups. */
export const BackupInput = z
  .strictObject({
    label: Name.describe('For people, e.g. the number that the tool gave it'),
    kind,
    taken_at: Instant.describe('When it was complete'),
    size_bytes: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
    location: Text.trim()
      .min(1)
      .max(2_000)
      .refine((text) => !/\p{Cc}/u.test(text), {
        error: 'Expected one line without control characters',
        params: { code: 'control_character' },
      })
      // The message never repeats what was given: it may hold a secret.
      .refine((text) => !holdsCredentials(text), {
        error: 'A location must not hold a password, token or signature',
        params: { code: 'credentials_in_location' },
      })
      .describe('Where it is: a path, a URL or words. A file under an allowed root of the workers is looked at'),
    checksum: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'Expected a SHA-256: 64 hexadecimal digits, in lower case')
      .nullable()
      .default(null)
      .describe('SHA-256 of the file'),
  })
  .meta({ id: 'BackupInput', description: 'A backup that was taken of a target', example });
export type BackupInput = z.infer<typeof BackupInput>;

export const Backup = z
  .strictObject({
    id: Uuid,
    target_id: Slug,
    label: z.string(),
    kind,
    taken_at: Instant,
    size_bytes: z.number(),
    location: z.string(),
    checksum: z.string().nullable(),
    registered_at: Instant,
    registered_by: z.string(),
  })
  .meta({
    id: 'Backup',
    description: 'A backup of a target that is registered here; the backup itself is wherever its location says',
    example: {
      id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd',
      target_id: 'shop',
      ...example,
      registered_at: '2026-11-22T02:12:00.000Z',
      registered_by: 'backup host',
    },
  });
export type Backup = z.infer<typeof Backup>;

export const BackupPage = pageOf(Backup, 'BackupPage');
export type BackupPage = z.infer<typeof BackupPage>;

export const BackupQuery = z.strictObject({ ...pageQuery, kind: kind.optional() });
export type BackupQuery = z.infer<typeof BackupQuery>;

/** Path parameters of one backup of a target. */
export const BackupPath = z.strictObject({ id: Text.min(1).max(63), backup_id: Text.min(1).max(63) });
