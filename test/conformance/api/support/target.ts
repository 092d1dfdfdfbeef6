import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { createDatabase } from '../../../support/postgres.ts';
import type { Api } from './start-api.ts';

/** A database under care of the running test's own, PostgreSQL 18, with the tables `orders` and `customers`. */
export async function newTarget() {
  const { url, drop } = await createDatabase(inject('targetUrls')[18]);
  onTestFinished(drop);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    CREATE TABLE customers (id int PRIMARY KEY, name text);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int, total numeric);
    INSERT INTO orders SELECT i, i % 100, i FROM generate_series(1, 2000) AS i;`);
  await client.end();
  const connection = new URL(url);
  connection.password = '';
  return { url, connection: connection.href };
}

/** Takes such a database into care as `shop`; the worker's `env:TARGET_PASSWORD` opens it. */
export async function registerTarget(api: Api, changes: Readonly<Record<string, unknown>> = {}) {
  const { connection } = await newTarget();
  const json = { id: 'shop', name: 'Shop', connection, secret_ref: 'env:TARGET_PASSWORD', ...changes };
  const { body, status } = await api.call('POST /targets', { json });
  if (status !== 201) throw new Error(`expected a target, got ${JSON.stringify(body)}`);
  return body;
}

/** Registers a target that nobody has looked at, for tests that never work on one. */
export async function registerUnseen(api: Api, id = 'shop') {
  const json = { id, name: `Target ${id}`, connection: 'postgresql://nobody@127.0.0.1:1/none' };
  const { body, status } = await api.call('POST /targets?verify=false', { json });
  if (status !== 201) throw new Error(`expected a target, got ${JSON.stringify(body)}`);
  return body;
}
