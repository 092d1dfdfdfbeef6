import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ensureDemoDatabase } from './demo-database.ts';
import { withSession } from './postgres-session.ts';
import { ensureRole } from './roles.ts';

const admin = new URL(inject('postgresUrl'));
const owner = 'demo_agent';

function url(user: URL, database: string): string {
  const changed = new URL(user);
  changed.pathname = `/${database}`;
  return changed.href;
}

const asOwner = new URL(admin);
asOwner.username = owner;
asOwner.password = 'secret';
const urls = { admin: (database: string) => url(admin, database), owner: (database: string) => url(asOwner, database) };

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return withSession(urls.owner('demo_shop'), async (session) => (await session.query(sql)).rows);
}

beforeAll(async () => {
  await ensureRole(admin.href, owner, 'secret', ['pg_monitor', 'pg_checkpoint']);
  await ensureDemoDatabase('demo_shop', owner, urls);
});

afterAll(async () => {
  await withSession(admin.href, async (session) => {
    await session.query('DROP DATABASE IF EXISTS demo_shop WITH (FORCE)');
    await session.query(`DROP ROLE ${owner}`);
  });
});

describe('the demo database', () => {
  it('holds more than 200 000 rows, all owned by the role of the target', async () => {
    const tables = await rows(
      `SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    );
    expect(new Set(tables.map((table) => table['owner']))).toEqual(new Set([owner]));
    const counts = await Promise.all(
      tables.map(({ relname }) => rows(`SELECT count(*)::int AS n FROM ${pg.escapeIdentifier(String(relname))}`)),
    );
    expect(counts.flat().reduce((sum, { n }) => sum + Number(n), 0)).toBeGreaterThan(200_000);
  });

  it('has indexes of several megabytes that are more than half empty and shrink when rebuilt', async () => {
    const bloated = ['sessions_pkey', 'sessions_token_idx', 'inventory_movements_occurred_at_idx'];
    for (const index of bloated) {
      const measure = `SELECT avg_leaf_density AS density, pg_relation_size('${index}')::int AS size FROM pgstatindex('${index}')`;
      const [before] = await rows(measure);
      expect(before?.['density']).toBeLessThan(45);
      expect(before?.['size']).toBeGreaterThan(3_000_000);
      await rows(`REINDEX INDEX CONCURRENTLY ${index}`);
      const [after] = await rows(measure);
      expect(after?.['density']).toBeGreaterThan(80);
      expect(after?.['size']).toBeLessThan(Number(before?.['size']) / 2);
    }
  });

  it('has unused, duplicate and redundant indexes, and used ones', async () => {
    const scans = await rows('SELECT indexrelname AS name, idx_scan::int AS scans FROM pg_stat_user_indexes');
    const scansOf = (name: string): unknown => scans.find((index) => index['name'] === name)?.['scans'];
    for (const unused of ['customers_phone_idx', 'orders_note_idx', 'payments_reference_idx'])
      expect(scansOf(unused)).toBe(0);
    for (const used of ['payments_order_id_idx', 'sessions_token_idx']) expect(scansOf(used)).toBeGreaterThan(0);
    const duplicates = await rows(`SELECT array_agg(indexrelid::regclass::text ORDER BY 1) AS same FROM pg_index
      GROUP BY indrelid, indkey::text, indclass::text, coalesce(indpred::text, '') HAVING count(*) > 1`);
    expect(duplicates.map(({ same }) => same)).toContainEqual(['idx_order_items_order', 'order_items_order_id_idx']);
    expect(duplicates.map(({ same }) => same)).toContainEqual(['customers_email_key', 'customers_email_lookup']);
  });

  it('has a foreign key that no index serves', async () => {
    const missing = await rows(`SELECT conrelid::regclass::text || '.' || attname AS fk FROM pg_constraint c
      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
      WHERE contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])`);
    expect(missing.map(({ fk }) => fk)).toContain('order_items.product_id');
  });

  it('has stale statistics and dead rows', async () => {
    const stats = await rows(`SELECT relname, n_dead_tup::int AS dead, n_mod_since_analyze::int AS changed,
      (SELECT reltuples::int FROM pg_class WHERE oid = relid) AS believed FROM pg_stat_user_tables`);
    const of = (table: string) => stats.find(({ relname }) => relname === table);
    expect(of('orders')).toMatchObject({ believed: 5_000 });
    expect(of('orders')?.['changed']).toBeGreaterThan(70_000);
    expect(of('carts')?.['dead']).toBeGreaterThan(25_000);
  });

  it('lets the owner, who is no superuser, look at statements, bloat and index health, and force a checkpoint', async () => {
    expect(await rows('SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([{ rolsuper: false }]);
    const [statements] = await rows(`SELECT count(*)::int AS n FROM pg_stat_statements WHERE query LIKE 'VACUUM%'`);
    expect(statements?.['n']).toBeGreaterThan(0);
    await rows(`SELECT bt_index_parent_check('orders_pkey', true)`);
    await rows('CHECKPOINT');
  });

  it('is left as it is by a second start', async () => {
    await rows('CREATE TABLE left_by_a_user ()');
    await ensureDemoDatabase('demo_shop', owner, urls);
    expect(await rows(`SELECT to_regclass('left_by_a_user')::text AS found`)).toEqual([{ found: 'left_by_a_user' }]);
  });
});
