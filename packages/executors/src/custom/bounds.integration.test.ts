import { describe, expect, it } from 'vitest';
import { type Content, setup } from '../../test/custom-rig.ts';
import { parameter, registered, withTemplates } from '../../test/custom-templates.ts';

const purge: Content = {
  statements: ['DELETE FROM {{t}} WHERE placed_at < $2'],
  parameters: [parameter('t', 'relation'), parameter('before', 'timestamptz')],
  lockMode: 'ROW EXCLUSIVE',
};

describe.each([14, 18] as const)('CUSTOM on PostgreSQL %i', (major) => {
  it('keeps as many rows as may be kept, and says that there are more', async () => {
    const { run } = await setup(major);
    const reads = (statement: string): Content => ({ statements: [statement], lockMode: 'ACCESS SHARE' });
    const all = reads('SELECT id FROM public.orders ORDER BY id');
    expect((await run(all)).steps[0]?.outcome).toMatchObject({ result: { truncated: true } });
    expect((await run(all, {}, { config: { max_rows: 200 } })).steps[0]?.outcome).toMatchObject({
      result: { truncated: false },
    });
    const { steps } = await run(all, {}, { config: { max_rows: 2 } });
    expect(steps[0]?.outcome).toMatchObject({ result: { rows: [{ id: 1 }, { id: 2 }], truncated: true } });
    const wide = reads("SELECT repeat('x', 30000) AS x FROM generate_series(1, 5)");
    const kept = (await run(wide)).steps[0]?.outcome;
    expect(kept).toMatchObject({ result: { rows: [{}, {}], truncated: true } });
    const huge = reads("SELECT repeat('x', 10000000) AS x");
    expect((await run(huge)).steps[0]?.outcome).toMatchObject({ result: { rows: [], truncated: true } });
    const nul = reads(`SELECT '{"a": "\\u0000"}'::json AS j`);
    expect((await run(nul)).steps[0]?.outcome).toMatchObject({ result: { rows: [{ j: { a: '\ufffd' } }] } });
  });

  it('runs a SELECT with effects to its end, however few rows are kept', async () => {
    const { run, count } = await setup(major);
    const content: Content = {
      statements: ['SELECT public.log_it(id) AS id FROM public.orders'],
      lockMode: 'ROW EXCLUSIVE',
    };
    const { steps, plan } = await run(content, {}, { config: { max_rows: 1 } });
    expect(plan?.steps[0]?.lockMode).toBe('ROW EXCLUSIVE');
    expect(steps[0]?.outcome).toMatchObject({ kind: 'done', result: { row_count: 200, truncated: true } });
    expect(await count('public.archive')).toBe(200);
  });

  it('shows no secret: not in the plan, not in the result, not in what the server says', async () => {
    const { run } = await setup(major);
    const parameters = [parameter('token', 'text', { secret: true })];
    const told: Content = { statements: ['SELECT $1 AS told'], parameters, lockMode: 'ACCESS SHARE' };
    const fails: Content = { statements: ["SELECT ($1 || 'x')::int"], parameters, lockMode: 'ACCESS SHARE' };
    for (const content of [told, fails]) {
      const { plan, steps, effects } = await run(content, { token: 'hunter2' });
      expect(JSON.stringify({ plan, steps, effects })).not.toContain('hunter2');
    }
    expect((await run(told, { token: 'hunter2' })).steps[0]?.outcome).toMatchObject({ result: { withheld: true } });
    expect((await run(fails, { token: 'hunter2' })).steps[0]?.outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'statement_failed', message: 'the server refused the statement (SQLSTATE 22P02)' },
    });
  });

  it('does nothing more once its worker is told not to', async () => {
    const { run, count } = await setup(major);
    const content: Content = { statements: ['DELETE FROM public.orders WHERE true'], lockMode: 'ROW EXCLUSIVE' };
    const context = { ...withTemplates(registered(content)), customTasks: true };
    const beforeSteps = async (): Promise<void> => {
      context.customTasks = false;
    };
    const { steps } = await run(content, {}, { context, beforeSteps });
    expect(steps[0]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'custom_tasks_off' } });
    expect(await count('public.orders')).toBe(200);
  });

  it('does nothing when what was planned is not what is there any more', async () => {
    const { rig, run, count } = await setup(major);
    const parameters = { t: 'orders', before: '2027-01-01T00:00:00Z' };
    const replaced = await run(purge, parameters, {
      beforeSteps: async () => {
        await rig.sql('ALTER TABLE public.orders RENAME TO old; CREATE TABLE public.orders (LIKE public.old)');
      },
    });
    expect(replaced.steps[0]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'changed_since_planned' } });
    expect(await count('public.old')).toBe(200);
    const gone = await run(purge, parameters, {
      beforeSteps: async () => void (await rig.sql('DROP TABLE public.orders')),
    });
    expect(gone.steps[0]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'unknown_relation' } });
    const other = await run(purge, { ...parameters, t: 'old' }, { rewrite: () => 'DROP TABLE public.old' });
    expect(other.steps[0]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'changed_since_planned' } });
    expect(await count('public.old')).toBe(200);
  });
});
