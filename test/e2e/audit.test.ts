import type { AuditHeads, AuditVerdict, Schedule } from '@slacktide/contract';
import { expect, it, vi } from 'vitest';
import { compareFold, foldAudit, readFold } from '../support/fold-audit.ts';
import { lookInto } from '../support/ledger.ts';
import { tamper } from '../support/tamper.ts';
import { startFleet } from './support/fleet.ts';
import { bloatedShop } from './support/shop.ts';

it('the log of a fleet at work tells every state, is sealed as it grows, and a change of it is found', async () => {
  const fleet = await startFleet({ targetSql: bloatedShop, workers: 2 });
  const sql = lookInto(fleet.databaseUrl);
  const accounts = await sql`
    SELECT DISTINCT rolsuper, pg_has_role(rolname, 'slacktide_app', 'MEMBER') AS app
    FROM pg_stat_activity JOIN pg_roles ON rolname = usename
    WHERE datname = current_database() AND application_name LIKE 'slacktide/%' AND application_name <> 'slacktide/test'`;
  expect(accounts, 'the fleet owns nothing').toEqual([{ rolsuper: false, app: true }]);

  const schedule = { name: 'Daily', cron_expression: '@daily', target_ids: ['shop'], halt_on_task_failure: true };
  const tasks = ['INDEX_REBUILD', 'STATISTICS_UPDATE', 'METRICS_COLLECTION'];
  const { version } = await fleet.api.post<Schedule>('/schedules', { ...schedule, id: 'daily', tasks }, 201);
  const failing = [{ type: 'INDEX_REBUILD', config: { indexes: ['public.none'] } }, 'STATISTICS_UPDATE'];
  await fleet.api.post('/schedules', { ...schedule, id: 'failing', name: 'Failing', tasks: failing }, 201);
  await fleet.api.post('/schedules/failing/disable', undefined, 200, { 'if-match': '*' });
  const jobs = [await fleet.api.run('daily'), await fleet.api.run('failing'), await fleet.api.run('daily')];
  for (const id of jobs) await fleet.api.watch(id);
  expect(version).toBe(1);

  const { events, rows } = await readFold(sql);
  expect(rows.jobs.map(({ state }) => state).sort()).toEqual(['FAILED', 'SUCCEEDED', 'SUCCEEDED']);
  expect(compareFold(foldAudit(events), rows)).toEqual([]);

  const heads = await vi.waitFor(
    async () => {
      const read = await fleet.api.get<AuditHeads>('/audit/heads');
      expect(read.unsealed).toBe(0);
      return read;
    },
    { timeout: 20_000, interval: 200 },
  );
  expect(heads.heads.reduce((sum, { seq }) => sum + seq, 0)).toBeGreaterThanOrEqual(events.length);
  const verify = () => fleet.api.post<AuditVerdict>('/audit/verify', { heads }, 200);
  expect(await verify()).toMatchObject({ intact: true, heads: { signature: 'unsigned', trusted: true } });
  await tamper(sql, (tx) => tx`UPDATE audit_events SET actor = 'api_key:somebody' WHERE action = 'task.claim'`);
  expect(await verify()).toMatchObject({ intact: false });
});
