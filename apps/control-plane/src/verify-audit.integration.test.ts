import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('verify-audit.ts', import.meta.url));

it('does not take a ledger that it cannot read for a log that is not what was sealed', () => {
  const env = { PATH: process.env['PATH'], DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' };
  const { status, stderr, stdout } = spawnSync(process.execPath, [main], { env, encoding: 'utf8', timeout: 30_000 });
  expect(stderr).toMatch(
    /^the audit log could not be read: the ledger is not available \(connect ECONNREFUSED 127\.0\.0\.1:1\)\n$/,
  );
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});
