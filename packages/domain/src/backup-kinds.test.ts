import { describe, expect, it } from 'vitest';
import { holdsCredentials } from './backup-kinds.ts';

describe('holdsCredentials', () => {
  it.each([
    'https://user:secret@backups.example.org/shop.tar',
    's3://key:secret@bucket/shop.tar',
    'postgresql://backup@host/shop?password=x',
    'https://backups.example.org/shop.tar?X-Amz-Signature=0f0f&X-Amz-Date=20261122',
    'https://account.blob.core.windows.net/shop.tar?sv=2026&sig=abc',
    'host=db password = x',
    'AWS_SECRET_ACCESS_KEY=x s3://bucket/shop.tar',
    'https://example.org/shop.tar?access_key=1',
  ])('sees them in %s', (text) => expect(holdsCredentials(text)).toBe(true));

  it.each([
    '/backups/shop/2026-11-22.tar.zst',
    's3://bucket/shop/passwords-table/2026-11-22.tar',
    's3://user@bucket/shop.tar',
    'pgbackrest stanza shop, 20261122-020000F',
    'https://backups.example.org/design/shop.tar?version=3',
    'C:\\backups\\shop.bak',
    '/backups/at 12:30 by a@b.example/shop',
  ])('sees none in %s', (text) => expect(holdsCredentials(text)).toBe(false));
});
