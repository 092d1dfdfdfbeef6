import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readFrames } from '../../../packages/executors/test/read-frames.ts';
import { type ActFixture, type ActSite, asOwner, namesAmiss, rowsOf } from './act-fixture.ts';

const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
const rule = { column: 'at', keep_days: 30 };

const ofPartitions: ActFixture = {
  name: 'RETENTION_ENFORCEMENT of partitions',
  type: 'RETENTION_ENFORCEMENT',
  points: ['remnant.recorded', 'rollback.prepared', 'step.after@2'],
  async prepare(site) {
    await asOwner(
      site,
      'DROP TABLE IF EXISTS events, events_1, events_2, events_now',
      'CREATE TABLE events (id int, at timestamptz) PARTITION BY RANGE (at)',
      `CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('${day(120)}') TO ('${day(90)}')`,
      `CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('${day(90)}') TO ('${day(60)}')`,
      `CREATE TABLE events_now PARTITION OF events FOR VALUES FROM ('${day(60)}') TO (MAXVALUE)`,
      `INSERT INTO events SELECT n, now() - make_interval(days => d) FROM generate_series(1, 10) n, unnest('{100,70,1}'::int[]) d`,
    );
    return { rules: [{ ...rule, table: 'events' }] };
  },
  amiss: (site) =>
    namesAmiss(site, 'tables', `SELECT relname::text AS name FROM pg_class WHERE relname ~ '^events'`, [
      'events',
      'events_now',
    ]),
  harmed: async (site) => {
    const [row] = await rowsOf<{ rows: number }>(site, 'SELECT count(*)::int AS rows FROM events_now');
    return row?.rows === 10 ? [] : [`of 10 young rows ${row?.rows} are left`];
  },
};

const expired = 100;
const ofRows: ActFixture = {
  name: 'RETENTION_ENFORCEMENT of rows',
  type: 'RETENTION_ENFORCEMENT',
  points: ['unit.over', 'unit.over@2'],
  async prepare(site) {
    for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name));
    await asOwner(
      site,
      'DROP TABLE IF EXISTS log',
      'CREATE TABLE log (id int PRIMARY KEY, at timestamptz)',
      'CREATE INDEX ON log (at)',
      `INSERT INTO log SELECT n, now() - make_interval(days => 40 + n) FROM generate_series(1, ${expired}) n`,
      'INSERT INTO log SELECT -n, now() FROM generate_series(1, 10) n',
    );
    return { rules: [{ ...rule, table: 'log', batch_rows: 30, export_to: site.folder }] };
  },
  async amiss(site) {
    const [row] = await rowsOf<{ rows: number }>(site, 'SELECT count(*)::int AS rows FROM log WHERE id > 0');
    return row?.rows === 0 ? [] : [`${row?.rows} expired rows are left`];
  },
  /** Whatever became of it: young rows stay, and no row is gone that is not in an export. */
  async harmed(site) {
    const kept = new Set((await rowsOf<{ id: number }>(site, 'SELECT id FROM log')).map(({ id }) => id));
    const exported = exportedIds(site);
    const young = Array.from({ length: 10 }, (_, n) => -(n + 1)).filter((id) => !kept.has(id));
    const lost = Array.from({ length: expired }, (_, n) => n + 1).filter((id) => !kept.has(id) && !exported.has(id));
    return [
      ...(young.length === 0 ? [] : [`young rows are gone: ${young.join(', ')}`]),
      ...(lost.length === 0 ? [] : [`rows are neither in the table nor exported: ${lost.join(', ')}`]),
    ];
  },
};

function exportedIds({ folder }: ActSite): ReadonlySet<number> {
  const exports = readdirSync(folder).filter((name) => name.endsWith('.jsonl.zst'));
  const lines = exports.flatMap((name) =>
    readFrames(readFileSync(join(folder, name)))
      .split('\n')
      .filter(Boolean),
  );
  return new Set(lines.map((line) => Number(JSON.parse(line).id)));
}

export const retentionActs: readonly ActFixture[] = [ofPartitions, ofRows];
