import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { FaultyPostgres } from './faulty-postgres.ts';
import { witnessSettings } from './server-log.ts';

/** The role the fleet logs in with on targets. Its password is the canary: it must never be seen anywhere (I9). */
export const maintainer = 'fleet_maintainer';
export const canary = `canary-${randomBytes(12).toString('hex')}`;

export interface Servers {
  /** PostgreSQL 18 for ledgers. */
  readonly ledger: FaultyPostgres;
  /** PostgreSQL 17 for targets, whose log is the witness. */
  readonly targets: FaultyPostgres;
}

/** An archive that takes everything, and keeps nothing. */
const archiving = { archive_mode: 'on', archive_command: 'true' };

let running: Promise<Servers> | undefined;

/** The servers of this process, started at the first call (about two seconds). Cases run one after the other, so each may crash them. */
export function sharedServers(): Promise<Servers> {
  running ??= startServers();
  return running;
}

/** Ends them and removes their files. */
export async function stopServers(): Promise<void> {
  const servers = await running?.catch(() => undefined);
  running = undefined;
  await Promise.all([servers?.ledger.stop(), servers?.targets.stop()]);
}

async function startServers(): Promise<Servers> {
  const [ledger, targets] = await Promise.all([
    FaultyPostgres.start(18, {}),
    FaultyPostgres.start(17, { shared_preload_libraries: 'pg_stat_statements', ...archiving, ...witnessSettings }),
  ]);
  const client = new pg.Client({ connectionString: targets.url });
  await client.connect();
  try {
    await client.query(`CREATE ROLE ${maintainer} LOGIN PASSWORD '${canary}'`);
    await client.query(`GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO ${maintainer}`);
  } finally {
    await client.end();
  }
  return { ledger, targets };
}
