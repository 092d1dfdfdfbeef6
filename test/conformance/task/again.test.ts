import { randomBytes } from 'node:crypto';
import { TargetError } from '@slacktide/application/ports';
import { type JsonObject, timeOrderedId } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { type Steps, setup } from './setup.ts';

describe('a task that is run again', () => {
  it('does not repeat the steps that an earlier attempt saw through, and tells them in its counts', async () => {
    const did: string[] = [];
    let isFirst = true;
    const it = await setup({
      keys: ['a', 'b', 'c'],
      act: async ({ signal }, key) => {
        did.push(key);
        if (isFirst && key === 'b') {
          it.running.abortAll('draining');
          signal.throwIfAborted();
        }
        return { by: isFirst ? 'first' : 'second' };
      },
    });
    expect(await it.run()).toMatchObject({ kind: 'later' });
    expect(await it.taskNow()).toMatchObject({ state: 'PENDING', reason: 'draining' });
    isFirst = false;
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(did).toEqual(['a', 'b', 'b', 'c']);
    expect(await it.taskNow()).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 2,
      progress: 100,
      result: { planned: 3, done: 2, done_before: 1 },
      steps: [
        { key: 'a', position: 0, state: 'SUCCEEDED', result: { by: 'first' } },
        { key: 'b', position: 1, state: 'SUCCEEDED', result: { by: 'second' } },
        { key: 'c', position: 2, state: 'SUCCEEDED' },
      ],
    });
  });
});

describe('what an earlier task may have left behind', () => {
  const proof: JsonObject = { name: 'left_behind' };

  /** A task that leaves its record open, as one whose worker died; then the one under test. */
  async function leaveBehind(sweep: NonNullable<Steps['sweep']>) {
    const seen: { swept: unknown[]; acted: number; intentPid: unknown[] } = { swept: [], acted: 0, intentPid: [] };
    const it = await setup({
      act: async () => {
        seen.acted += 1;
        return {};
      },
      sweep: async (session, remnant) => {
        const [row] = await it.sql`SELECT intent_pid FROM tasks WHERE id = ${it.taskId}`;
        seen.intentPid.push([row?.['intent_pid'], session.identity.pid]);
        seen.swept.push(remnant.proof);
        return await sweep(session, remnant);
      },
    });
    await it.sql`
      INSERT INTO remnants (target_id, task_id, fence, kind, proof) VALUES ('shop', ${it.taskId}, 0, 'index', ${it.sql.json(proof as never)})`;
    const remnantNow = async () =>
      (await it.sql`SELECT outcome, note, closed_at IS NULL AS open FROM remnants ORDER BY id LIMIT 1`)[0];
    return { ...it, seenOfSweep: seen, remnantNow };
  }

  it('is swept first, by the executor, after the intent was written, and told in the result', async () => {
    const it = await leaveBehind(async (session) => {
      await session.execute('CREATE TABLE public.swept ()');
      return { outcome: 'swept', note: 'dropped left_behind' };
    });
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(it.seenOfSweep.swept).toEqual([proof]);
    const [[recorded, acting] = []] = it.seenOfSweep.intentPid as [unknown, unknown][];
    expect(recorded).toBe(acting);
    expect(await it.remnantNow()).toEqual({ outcome: 'swept', note: 'dropped left_behind', open: false });
    expect(await it.taskNow()).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 1,
      result: { done: 1, remnants: { swept: ['dropped left_behind'], kept: [], left: [] } },
    });
  });

  it('that cannot go now stays recorded for the next task, and does not keep this one from its work', async () => {
    const it = await leaveBehind(() => Promise.reject(new TargetError('lock_timeout', 'no lock on left_behind')));
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.remnantNow()).toEqual({ outcome: null, note: null, open: true });
    expect(await it.taskNow()).toMatchObject({
      state: 'SUCCEEDED',
      result: { remnants: { swept: [], kept: [], left: ['no lock on left_behind'] } },
    });
  });

  it('and is not ours is kept, once', async () => {
    const it = await leaveBehind(async () => ({ outcome: 'kept', note: 'not ours' }));
    await it.run();
    expect(await it.remnantNow()).toEqual({ outcome: 'kept', note: 'not ours', open: false });
    expect(await it.taskNow()).toMatchObject({ result: { remnants: { kept: ['not ours'] } } });
  });

  it('is swept by what its record says, though it outlived the history of its task', async () => {
    const it = await leaveBehind(async () => ({ outcome: 'swept', note: 'dropped left_behind' }));
    await it.sql`UPDATE remnants SET task_id = ${timeOrderedId(new Date(0), randomBytes(10))},
      task_type = (SELECT type FROM tasks WHERE id = ${it.taskId})`;
    await it.run();
    expect(await it.remnantNow()).toMatchObject({ outcome: 'swept', open: false });
    expect(it.seenOfSweep.swept).toEqual([proof]);
  });

  it('and is of an older release, its task gone from history, is kept, and named, for nobody knows any more how to sweep it', async () => {
    const it = await leaveBehind(() => Promise.reject(new Error('not to be asked')));
    await it.sql`UPDATE remnants SET task_id = ${timeOrderedId(new Date(0), randomBytes(10))}`;
    await it.run();
    expect(await it.remnantNow()).toMatchObject({ outcome: 'kept', open: false });
    expect(await it.taskNow()).toMatchObject({
      state: 'SUCCEEDED',
      result: { remnants: { kept: [expect.stringContaining(JSON.stringify(proof))] } },
    });
  });

  it('is recorded under the claim before the step acts, and closed by it', async () => {
    const during: unknown[] = [];
    const it = await setup(async ({ remnant }) => {
      const close = await remnant({ kind: 'index', proof });
      during.push(...(await it.sql`SELECT target_id, task_id, fence::int, kind, proof, closed_at FROM remnants`));
      await close('absent', 'nothing there');
      return {};
    });
    await it.run();
    expect(during).toEqual([
      { target_id: 'shop', task_id: it.taskId, fence: 1, kind: 'index', proof, closed_at: null },
    ]);
    expect(await it.sql`SELECT outcome, note FROM remnants`).toEqual([{ outcome: 'absent', note: 'nothing there' }]);
  });

  it('is not begun when the right to act is gone', async () => {
    let acted = false;
    const it = await setup(async ({ remnant }) => {
      await it.sql`UPDATE leases SET fence = fence + 1`;
      await remnant({ kind: 'index', proof });
      acted = true;
      return {};
    });
    expect(await it.run()).toMatchObject({ kind: 'later' });
    expect(acted).toBe(false);
    expect(await it.sql`SELECT FROM remnants`).toHaveLength(0);
  });
});
