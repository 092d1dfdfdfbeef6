import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { openCheckRig } from '../../test/check-rig.ts';
import { diskSpace } from './index.ts';

const [monitor, nobody] = ['disk_space_monitor', 'disk_space_nobody'];
const roles = [
  `CREATE ROLE ${monitor} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor`,
  `CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`,
];

describe.each(majors)('disk_space on PostgreSQL %i', (major) => {
  it('measures what PostgreSQL stores, says what is hidden, and judges it by the size of the volume', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.execute([...roles, 'CREATE TABLE t AS SELECT generate_series(1, 1000) AS n']);
    try {
      const report = await rig.run(diskSpace, { wal_factor: 1000, wal_critical_factor: 1000 });
      expect(report).toMatchObject({ findings: [], unknown: [{ object: 'free space', grant: null }] });
      const [server] = await rig.sql<{ database: number; shared: number }>(
        `SELECT pg_database_size(current_database())::float8 AS database, pg_tablespace_size('pg_global')::float8 AS shared`,
      );
      expect(report.figures).toMatchObject({
        database_bytes: server?.database,
        tablespace_bytes: { pg_default: expect.any(Number), pg_global: server?.shared },
        wal_bytes: expect.any(Number),
        log_bytes: 0,
      });
      // Other tests make and drop databases meanwhile.
      const usedMiB = Number(report.figures['used_bytes']) / 1024 / 1024;
      const full = await rig.run(diskSpace, { capacity_mb: usedMiB / 2, wal_factor: 1000 });
      expect(full.findings).toMatchObject([{ fingerprint: 'cluster:data_directory', severity: 'critical' }]);
      const roomy = await rig.run(diskSpace, { capacity_mb: usedMiB * 100, wal_factor: 1000 });
      expect(roomy).toMatchObject({ findings: [], unknown: [] });

      const seen = await rig.run(diskSpace, { capacity_mb: usedMiB * 100, wal_factor: 1000 }, { as: monitor });
      expect(seen).toMatchObject({ findings: [], unknown: [], figures: { used_bytes: expect.any(Number) } });

      const blind = await rig.run(diskSpace, { capacity_mb: usedMiB / 2, wal_factor: 1000 }, { as: nobody });
      expect(blind).toMatchObject({ findings: [], figures: { used_bytes: null, database_bytes: server?.database } });
      expect(blind.unknown.map(({ object }) => object)).toEqual(['tablespace pg_global', 'pg_wal', 'data directory']);
      await rig.execute([...new Set(blind.unknown.map(({ grant }) => grant ?? ''))]);
      const cured = await rig.run(diskSpace, { capacity_mb: usedMiB / 2, wal_factor: 1000 }, { as: nobody });
      expect(cured).toMatchObject({ unknown: [], findings: [{ severity: 'critical' }] });
    } finally {
      await rig.sql(`DROP ROLE ${monitor}; DROP ROLE ${nobody}`);
    }
  });
});

describe.each([14, 18] as const)('disk_space of its own on PostgreSQL %i', (major) => {
  it('finds WAL that an abandoned slot and a failing archive keep, and databases it may not see', async () => {
    const flags = ['max_wal_size=32MB', 'archive_mode=on', 'archive_command=false', 'logging_collector=on'];
    const server = await startPostgres(major, { flags });
    onTestFinished(() => server.stop());
    await using rig = await openCheckRig({ url: server.url, drop: async () => undefined });
    // Each leaves a segment of 16 MB behind.
    const segment = [`SELECT pg_logical_emit_message(false, '', 'x')`, 'SELECT pg_switch_wal()'];
    await rig.execute([
      ...roles,
      `SELECT pg_create_physical_replication_slot('abandoned', true)`,
      'CREATE DATABASE "we""ird; --"',
      'REVOKE CONNECT ON DATABASE "we""ird; --" FROM PUBLIC',
      ...Array(6).fill(segment).flat(),
      'CHECKPOINT',
    ]);
    const causes = [
      { cause: 'inactive_slot', slot: 'abandoned', retained_bytes: expect.any(Number), wal_status: 'extended' },
      { cause: 'failing_archiver', segments_waiting: expect.any(Number) },
    ];
    await expect
      .poll(async () => (await rig.run(diskSpace)).findings)
      .toMatchObject([
        {
          fingerprint: 'cluster:pg_wal',
          severity: 'warning',
          object: { kind: 'cluster', name: 'pg_wal' },
          evidence: { is_lower_bound: false, max_wal_size_bytes: 33_554_432, causes },
          action: null,
        },
      ]);
    expect((await rig.run(diskSpace, {}, { as: monitor })).unknown).toMatchObject([{ object: 'free space' }]);

    // A slot shows anybody how much there is at least; its own logs, and who may connect elsewhere, do not.
    const blind = await rig.run(diskSpace, {}, { as: nobody });
    expect(blind.findings).toMatchObject([{ fingerprint: 'cluster:pg_wal', evidence: { is_lower_bound: true } }]);
    expect(blind.unknown.map(({ object }) => object)).toEqual([
      'database we"ird; --',
      'tablespace pg_global',
      'log',
      'free space',
    ]);

    await rig.execute([`SELECT pg_drop_replication_slot('abandoned')`]);
    expect((await rig.run(diskSpace)).findings).toMatchObject([
      { evidence: { causes: [{ cause: 'failing_archiver' }] } },
    ]);
  });
});
