import { describe, expect, it } from 'vitest';
import { upkeepRig } from '../../test/upkeep-rig.ts';
import { deadLetterDrain } from './index.ts';

async function setup() {
  const rig = await upkeepRig(deadLetterDrain);
  const { addJob, sql } = rig;
  /** A message about the flow of a job that is open, or of one that is over. */
  const fail = async (state: 'open' | 'over', changes: { attempts?: number; ageSeconds?: number } = {}) => {
    const job = await addJob({ targetId: 'stock' });
    if (state === 'over') {
      await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${job.id}`;
    }
    const { attempts = 20, ageSeconds = 1_000 } = changes;
    const message = { kind: 'flow.add', jobId: job.id, generation: 1 };
    const [row] = await sql<[{ id: string }]>`
      INSERT INTO outbox (subject, message, attempts, last_error, created_at, next_try_at)
      VALUES (${`job:${job.id}`}, ${sql.json(message)}, ${attempts}, 'no such queue', now() - make_interval(secs => ${ageSeconds}),
        now() + interval '1 hour') RETURNING id`;
    return Number(row.id);
  };
  const outbox = async () =>
    (await sql`SELECT id::int, next_try_at <= now() AS due FROM outbox ORDER BY id`).map(({ id, due }) => [id, due]);
  return { ...rig, fail, outbox };
}

describe('DEAD_LETTER_DRAIN, with its target away', () => {
  it('tries again what keeps failing', async () => {
    const { fail, outbox, plan, run } = await setup();
    const [often, long, fresh] = [
      await fail('open'),
      await fail('over', { attempts: 1, ageSeconds: 90_000 }),
      await fail('open', { attempts: 3 }),
    ];
    const planned = await plan();
    expect(planned).toMatchObject({ kind: 'planned', plans: [{ checked: 2 }] });
    expect(await run()).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 1,
      result: { checked: 2, done: 2, redriven: 2, archived: 0 },
      steps: [
        { key: `outbox/${often}`, state: 'SUCCEEDED', result: { settled: 'redriven', error: 'no such queue' } },
        { key: `outbox/${long}` },
      ],
    });
    expect(await outbox()).toEqual([
      [often, true],
      [long, true],
      [fresh, false],
    ]);
    // There is nothing to do for what is due.
    expect(await run()).toMatchObject({ state: 'SUCCEEDED', result: { checked: 2, planned: 0 } });
  });

  it('archives what nobody needs any more, tries the rest again, and tells of both', async () => {
    const { fail, ledger, outbox, run, sql } = await setup();
    const [open, over] = [await fail('open'), await fail('over')];
    expect(await run({ policy: 'archive' })).toMatchObject({
      state: 'SUCCEEDED',
      result: { done: 2, redriven: 1, archived: 1 },
      steps: [
        { result: { settled: 'redriven', need: 'needed' } },
        { result: { settled: 'archived', need: 'job_over' } },
      ],
    });
    expect(await outbox()).toEqual([[open, true]]);
    expect((await sql`SELECT id::int, need FROM dead_letters`).map((row) => ({ ...row }))).toEqual([
      { id: over, need: 'job_over' },
    ]);
    const told = (await ledger.audit.list({ limit: 50 })).items.map(({ action }) => action);
    expect(told.filter((action) => action.startsWith('outbox.')).sort()).toEqual(['outbox.archive', 'outbox.redrive']);
  });

  it('takes on so many at a time', async () => {
    const { fail, outbox, run } = await setup();
    for (let n = 0; n < 3; n++) await fail('over');
    const result = { done: 2, skipped: [{ object: 'outbox', reason: 'over_max_messages: 1 messages' }] };
    expect(await run({ policy: 'archive', max_messages: 2 })).toMatchObject({ result });
    expect(await outbox()).toHaveLength(1);
  });

  it('skips what is relayed meanwhile', async () => {
    const { connection, fail, run, sql } = await setup();
    const [first, second] = [await fail('over'), await fail('over')];
    const upkeep = {
      ...connection.upkeep,
      settleMessage: async (...message: Parameters<typeof connection.upkeep.settleMessage>) => {
        await sql`DELETE FROM outbox WHERE id = ${second}`;
        return await connection.upkeep.settleMessage(...message);
      },
    };
    expect(await run({ policy: 'archive' }, { upkeep })).toMatchObject({
      state: 'SUCCEEDED',
      steps: [
        { key: `outbox/${first}`, state: 'SUCCEEDED' },
        { state: 'SKIPPED', reason: 'gone' },
      ],
    });
  });

  it('is done again when its worker dies, and does nothing twice', async () => {
    const { addTask, connection, fail, outbox, recover, run, sql, taskOf, deps } = await setup();
    const [over] = [await fail('over')];
    const added = await addTask({ policy: 'archive' });
    const request = {
      taskId: added.taskId,
      generation: 1,
      workerId: 'w1',
      access: 'observe' as const,
      leaseLifeMs: 1,
      workerNow: new Date(),
    };
    const claim = await connection.executions.claim(request);
    if (claim.kind !== 'claimed') throw new Error(claim.kind);
    await connection.upkeep.settleMessage(claim.claimed, over, 'archive');
    await sql`UPDATE leases SET expires_at = now() - interval '1 minute'`;
    expect(await recover()).toBe(1);
    expect(await taskOf(added)).toMatchObject({ state: 'PENDING', crashes: 1 });
    expect(deps.workerId).toBe('w1');
    expect(await run({ policy: 'archive' })).toMatchObject({ state: 'SUCCEEDED', result: { checked: 0 } });
    // Of the job that is done again.
    expect(await outbox()).toHaveLength(1);
    expect(await sql`SELECT FROM dead_letters`).toHaveLength(1);
  });
});
