import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

// Slow machines take longer; what is asserted is only that figures come out.
it.each(['cancel', 'sequential-tasks', 'list-jobs'])(
  '`bench --quick %s` measures and writes its section',
  async (name) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', './infra/bootstrap/drizzle-imports.mjs', 'test/load/bench.ts', '--quick', name],
      { cwd: new URL('../..', import.meta.url), timeout: 110_000 },
    );
    expect(stdout).toContain(`\`pnpm bench ${name}\``);
    expect(stdout).toMatch(/^\| G\d+ \|.*\b\d+(\.\d+)?.* \|$/m);
  },
  120_000,
);

it('names the benchmarks when it is asked for one that is not there', async () => {
  const failed = promisify(execFile)(process.execPath, ['test/load/bench.ts', 'nonsense'], {
    cwd: new URL('../..', import.meta.url),
  });
  await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('jobs-per-second') });
});
