import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { type Recording, recordingFiles } from '../../packages/learning/test/recordings/recording.ts';
import { createDatabase, startPostgres } from '../support/postgres.ts';
import { recordGrowth } from './recording/record-growth.ts';
import { recordStatements } from './recording/record-statements.ts';

/**
 * Records what the tests of `learning` go by, on a PostgreSQL of its own: `node test/load/record-workload.ts [growth] [statements]`, both by default. Takes some
 * minutes. Sizes, ids and plans come out the same each time; times are those of the machine. Each recording says what it is of.
 */
const major = 18;
const names = process.argv.slice(2);

const server = await startPostgres(major, { flags: ['shared_buffers=256MB', 'max_wal_size=1GB', 'jit=off'] });
try {
  if (names.length === 0 || names.includes('growth')) {
    await record('growth', 24, async (client) => ({ series: await recordGrowth(client) }));
  }
  if (names.length === 0 || names.includes('statements')) {
    await record('statements', 1, async (client) => ({ statements: await recordStatements(client) }));
  }
} finally {
  await server.stop();
}

async function record(
  name: keyof typeof recordingFiles,
  stepHours: number,
  work: (client: pg.Client) => Promise<object>,
): Promise<void> {
  const database = await createDatabase(server.url);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('CREATE EXTENSION pgstattuple');
    const { rows } = await client.query(`SELECT current_setting('server_version') AS version`);
    const [startedAt, startedAtMs] = [new Date(), performance.now()];
    const recorded = await work(client);
    const head: Recording = {
      server: `PostgreSQL ${rows[0].version}`,
      recordedAt: startedAt.toISOString(),
      realSeconds: Math.round((performance.now() - startedAtMs) / 1000),
      stepHours,
    };
    const file = gzipSync(JSON.stringify({ ...head, ...recorded }), { level: 9 });
    writeFileSync(recordingFiles[name], file);
    process.stdout.write(`${name}: ${file.length} bytes, ${head.realSeconds} s\n`);
  } finally {
    await client.end();
    await database.drop();
  }
}
