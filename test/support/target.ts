import type { TargetAddress } from '@slacktide/application/ports';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { createDatabase, type PostgresMajor } from './postgres.ts';
import { quickPassword } from './quick-password.ts';

/** A database under care of the running test's own, with the ordinary role that takes care of it. */
export interface FreshTarget {
  /** As the role that owns the database and what it makes; its password is in `env`. */
  readonly address: TargetAddress;
  readonly env: Readonly<Record<string, string>>;
  readonly role: string;
  readonly database: string;
  /** The same as a URL with its password, for further connections. */
  readonly url: string;
  /** A session of that role: what it creates is its own. */
  readonly owner: pg.Client;
  /** A session of the superuser. */
  readonly admin: pg.Client;
  /** One more session, of the owner unless told otherwise; ended with the test. */
  connect(as?: 'owner' | 'admin'): Promise<pg.Client>;
}

/** Makes a database and a role without any special right on the shared server of `major`; both are gone after the test. */
export async function freshTarget(
  major: PostgresMajor,
  adminUrl: string = inject('targetUrls')[major],
): Promise<FreshTarget> {
  const { url: databaseUrl, name, drop } = await createDatabase(adminUrl);
  const role = `role_${name}`;
  const clients: pg.Client[] = [];
  const connectTo = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined); // the database may be dropped, or the session ended by the test
    await client.connect();
    clients.push(client);
    return client;
  };
  onTestFinished(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await drop();
    const server = new pg.Client({ connectionString: adminUrl });
    await server.connect();
    await server.query(`DROP ROLE IF EXISTS ${role}`);
    await server.end();
  });
  const admin = await connectTo(databaseUrl);
  const password = 'target-password';
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${quickPassword(password)}'`);
  await admin.query(`ALTER DATABASE ${name} OWNER TO ${role}; ALTER SCHEMA public OWNER TO ${role}`);
  const { host } = new URL(databaseUrl);
  const url = `postgresql://${role}:${password}@${host}/${name}`;
  return {
    address: { kind: 'postgres', connection: `postgresql://${role}@${host}/${name}`, secretRef: 'env:TARGET_PASSWORD' },
    env: { TARGET_PASSWORD: password },
    role,
    database: name,
    url,
    owner: await connectTo(url),
    admin,
    connect: (as = 'owner') => connectTo(as === 'owner' ? url : databaseUrl),
  };
}
