import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { startStandby } from '../../../../test/support/standby.ts';
import { openCheckRig } from '../../test/check-rig.ts';
import { checkpointPressure } from './index.ts';

const nobody = 'checkpoint_pressure_nobody';

describe.each(majors)('checkpoint_pressure on PostgreSQL %i', (major) => {
  it('counts what was requested between looks, and knows commands from WAL', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.run(checkpointPressure);
    await rig.execute(Array(12).fill('CHECKPOINT'));
    const requested = async () => Number((await rig.run(checkpointPressure)).figures['requested']);
    await expect.poll(requested).toBeGreaterThanOrEqual(12);
    await rig.sql(`CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`);
    try {
      // Nothing of this is hidden from anybody.
      const report = await rig.run(checkpointPressure, {}, { as: nobody });
      expect(report).toMatchObject({ checked: 1, unknown: [], figures: { restartpoints: false } });
      expect(report.findings).toMatchObject([
        {
          fingerprint: 'cluster:requested_checkpoints',
          severity: 'info',
          evidence: { cause: 'commands', max_wal_size_mb: 128, done: major >= 18 ? expect.any(Number) : null },
          action: null,
        },
      ]);
    } finally {
      await rig.sql(`DROP ROLE ${nobody}`);
    }
    const { figures } = await rig.run(checkpointPressure, { min_checkpoints: 1_000_000 });
    expect(figures).toMatchObject({ checkpoints: expect.any(Number), wal_bytes: expect.any(Number) });
  });
});

/** The counters are in another view from 17 on; 18 counts those done. */
describe.each([14, 17, 18] as const)('checkpoint_pressure of its own on PostgreSQL %i', (major) => {
  it('blames max_wal_size where WAL asked for the checkpoints', async () => {
    const server = await startPostgres(major, { flags: ['max_wal_size=32MB'] });
    onTestFinished(() => server.stop());
    await using rig = await openCheckRig({ url: server.url, drop: async () => undefined });
    await rig.run(checkpointPressure);
    // Each leaves a segment of 16 MB behind.
    const segment = [`SELECT pg_logical_emit_message(false, '', 'x')`, 'SELECT pg_switch_wal()'];
    await rig.execute(Array(4).fill(segment).flat());
    await expect
      .poll(async () => (await rig.run(checkpointPressure, { min_checkpoints: 1 })).findings)
      .toMatchObject([
        { severity: 'warning', evidence: { cause: 'wal', max_wal_size_mb: 32, requested_percent: 100 } },
      ]);
  });
});

it('counts restartpoints on a standby', async () => {
  const { url } = await startStandby(18);
  await using rig = await openCheckRig({ url, drop: async () => undefined });
  expect(await rig.run(checkpointPressure)).toMatchObject({
    findings: [],
    unknown: [{ reason: expect.stringMatching(/^only \d checkpoints/) }],
    figures: { restartpoints: true, requested: expect.any(Number), done: expect.any(Number) },
  });
});
