import type { CareSettingsView, Finding, FindingPlan, Job, MaintenanceStatus } from '@slacktide/contract';
import { checkNames } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { startFleet } from './support/fleet.ts';

const targetSql = `
  CREATE EXTENSION amcheck;
  CREATE TABLE customers (id int PRIMARY KEY, email text);
  CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, placed_at timestamptz);
  INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, 3000) g;
  INSERT INTO orders SELECT g, 1 + g % 3000, now() FROM generate_series(1, 5000) g;
  CREATE INDEX orders_customer ON orders (customer_id);
  CREATE INDEX orders_customer_placed ON orders (customer_id, placed_at);
  CREATE INDEX orders_placed ON orders (placed_at);
  ANALYZE;`;

interface Page<T> {
  readonly items: readonly T[];
}

describe('findings', () => {
  it('are found, shown, acted on, resolved and undone', async () => {
    const { api, target } = await startFleet({ targetSql });
    const run = async (checks: unknown, config: unknown = {}): Promise<Job> => {
      const started = await api.post<Job>('/checks/run', { target_id: 'shop', checks, config }, 202);
      const job = await api.watch(started.id);
      expect(job.state, JSON.stringify(job, undefined, 1)).toBe('SUCCEEDED');
      return job;
    };
    const list = (query: string) => api.get<Page<Finding>>(`/findings?target_id=shop&${query}`);

    const all = await run('all');
    expect(all.tasks[0]?.steps.map(({ key, state }) => [key, state])).toEqual(
      ['sampling', ...checkNames].map((key) => [key, 'SUCCEEDED']),
    );
    const runs = await api.get<Page<{ check: string; checked: number }>>('/targets/shop/checks');
    expect(runs.items.map(({ check }) => check).sort()).toEqual([...checkNames].sort());

    const [redundant, ...others] = (await list('check=redundant_index&state=open')).items;
    expect(others).toEqual([]);
    expect(redundant).toMatchObject({
      severity: 'warning',
      object: { kind: 'index', schema: 'public', name: 'orders_customer', table: 'orders' },
      summary: expect.stringMatching(/orders_customer\b.*orders_customer_placed/),
      action: { sql: ['DROP INDEX CONCURRENTLY public.orders_customer'], class: 'never_retry' },
      occurrences: 1,
    });
    const id = redundant?.id;
    const definition = `SELECT pg_get_indexdef('orders_customer'::regclass) AS definition`;
    const before = (await target.query(definition)).rows[0].definition;

    const shown = await api.post<FindingPlan>(`/findings/${id}/apply`, {}, 200);
    expect(shown.plan.tasks[0]?.steps).toMatchObject([
      { statements: redundant?.action?.sql, lock_mode: 'SHARE UPDATE EXCLUSIVE', reversible: true },
    ]);
    expect((await target.query(definition)).rowCount).toBe(1);
    await api.post(`/findings/${id}/apply`, { plan_id: '0'.repeat(32) }, 409);
    const applied = await api.post<Job>(`/findings/${id}/apply`, { plan_id: shown.plan_id }, 202);
    const done = await api.watch(applied.id);
    expect(done.state, JSON.stringify(done, undefined, 1)).toBe('SUCCEEDED');
    expect((await target.query(`SELECT to_regclass('orders_customer') AS index`)).rows[0].index).toBeNull();

    await run(['redundant_index']);
    expect(await api.get<Finding>(`/findings/${id}`)).toMatchObject({ state: 'resolved' });
    await api.post(`/findings/${id}/apply`, {}, 409);
    for (const statement of redundant?.action?.rollback_sql ?? []) await target.query(statement);
    expect((await target.query(definition)).rows[0].definition).toBe(before);
    await run(['redundant_index']);
    expect(await api.get<Finding>(`/findings/${id}`)).toMatchObject({
      state: 'open',
      occurrences: 2,
      resolved_at: null,
    });

    await api.post(`/findings/${id}/mute`, { reason: 'known' }, 200);
    expect((await list('state=muted')).items.map((finding) => finding.id)).toEqual([id]);
    const audit = await api.get<Page<{ action: string }>>(`/audit?entity=finding&entity_id=${id}`);
    expect(audit.items.map(({ action }) => action)).toEqual([
      'finding.mute',
      'finding.reopen',
      'finding.resolve',
      'finding.open',
    ]);
  });

  it('come from care, hourly, with a document of the run', async () => {
    const { api } = await startFleet({ targetSql });
    const care = async (force: boolean): Promise<Job> => {
      const started = await api.post<Job>('/care/run', { target_id: 'shop', force }, 202);
      const job = await api.watch(started.id);
      expect(job.state, JSON.stringify(job, undefined, 1)).toBe('SUCCEEDED');
      return job;
    };
    const first = await care(false);
    expect(first.result).toMatchObject({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      status: 'success',
      integrity_check: { status: 'healthy', issues: [] },
      cleanup: {
        orphaned_indexes: 0,
        invalid_indexes: 0,
        redundant_indexes_found: 1,
        foreign_key_suggestions: { count: 0 },
        pattern_learning: { status: 'unknown', grant: 'CREATE EXTENSION pg_stat_statements' },
        predictive_maintenance: { predicted_reindex_needs: 0, not_enough_data: expect.any(Number) },
        ml_training: { status: 'unknown', grant: 'CREATE EXTENSION pg_stat_statements' },
        safeguard_metrics: { index_creation: { attempts: 0, success_rate: null } },
      },
    });
    const second = await care(false);
    expect(second.result).toMatchObject({
      cleanup: {
        workload_analysis: { status: 'skipped', reason: expect.stringMatching(/^interval has not passed/) },
        statistics_refresh: { status: 'skipped' },
        redundant_indexes_found: 1,
      },
    });
    const forced = await care(true);
    expect(forced.result).toMatchObject({
      cleanup: { foreign_key_suggestions: { count: 0 }, statistics_refresh: { success: true } },
    });
    const status = await api.get<MaintenanceStatus>('/status?target_id=shop');
    expect(status.items).toMatchObject([
      { target_id: 'shop', enabled: true, last_run: { job_id: forced.id, state: 'SUCCEEDED', status: 'success' } },
    ]);
    expect(status.items[0]?.steps).toHaveLength(18);
    const settings = await api.get<CareSettingsView>('/care/settings?target_id=shop');
    expect(settings.items.every(({ origin }) => origin === 'default')).toBe(true);
  });
});
