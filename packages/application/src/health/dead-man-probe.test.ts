import { describe, expect, it } from 'vitest';
import type { TickWatch } from '../ports/index.ts';
import { deadManProbe } from './dead-man-probe.ts';

const noon = new Date('2026-11-22T12:00:00Z');
const hoursAgo = (hours: number) => new Date(noon.getTime() - hours * 3_600_000);

function watch(id: string, since: Date, cronExpression = '0 * * * *', timezone = 'UTC'): TickWatch {
  return { id, name: id, cronExpression, timezone, since };
}

/** A probe over these schedules, which may change. */
function probeOf(watches: TickWatch[], now = () => noon) {
  const asked: (string | null)[] = [];
  const probe = deadManProbe(
    {
      listTickWatches: async ({ after, limit }) => {
        asked.push(after);
        return watches.filter(({ id }) => after === null || id > after).slice(0, limit);
      },
    },
    async () => now(),
  );
  return { probe, asked };
}

describe('the dead man’s switch', () => {
  it.each([
    ['hourly, an hour ago', watch('s', hoursAgo(1)), 'HEALTHY'],
    ['hourly, two hours ago and so merely late', watch('s', hoursAgo(2)), 'HEALTHY'],
    ['hourly, three hours ago', watch('s', hoursAgo(3)), 'UNHEALTHY'],
    ['nightly, yesterday', watch('s', hoursAgo(24), '0 2 * * *'), 'HEALTHY'],
    ['nightly, three days ago', watch('s', hoursAgo(72), '0 2 * * *'), 'UNHEALTHY'],
    ['on working days, since Friday, on Sunday', watch('s', hoursAgo(50), '0 9 * * 1-5'), 'HEALTHY'],
    ['on leap days, for a year', watch('s', hoursAgo(9_000), '0 0 29 2 *'), 'HEALTHY'],
  ])('a schedule that is %s: %#', async (_, its, status) => {
    expect(await probeOf([its]).probe()).toMatchObject({ status });
  });

  it('names the schedules, and since when they are silent', async () => {
    const watches = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((id) => watch(id, hoursAgo(10)));
    const { message } = await probeOf(watches).probe();
    expect(message).toContain('7 without a tick for twice their period: a (since 2026-11-22T02:00:00.000Z), b');
    expect(message).toContain('and 2 more');
  });

  it('sees one that comes back to life, one that falls silent, and forgets one that is gone', async () => {
    const watches = [watch('a', hoursAgo(10)), watch('b', hoursAgo(0)), watch('c', hoursAgo(10))];
    let now = noon;
    const { probe } = probeOf(watches, () => now);
    expect((await probe()).message).toMatch(/^2 without.*: a .*c /);
    watches[0] = watch('a', hoursAgo(0));
    watches.pop();
    expect(await probe()).toMatchObject({ status: 'HEALTHY' });
    now = hoursAgo(-3);
    expect((await probe()).message).toMatch(/^2 without.*: a .*b /);
  });

  it('goes through many in turn, and keeps what it found until it has come round', async () => {
    const watches = Array.from({ length: 600 }, (_, n) =>
      watch(`s${String(n).padStart(3, '0')}`, hoursAgo(n === 10 || n === 590 ? 10 : 0)),
    );
    const { probe, asked } = probeOf(watches);
    expect((await probe()).message).toContain('s010');
    expect((await probe()).message).toContain('s010');
    expect((await probe()).message).toMatch(/^2 without.*s010.*s590/);
    for (let run = 0; run < 3; run++) expect((await probe()).message).toMatch(/^2 without/);
    expect(asked).toEqual([null, 's249', 's499', null, 's249', 's499']);
  });
});
