import { randomBytes } from 'node:crypto';
import { timeOrderedId } from '@slacktide/domain';
import { expect, it } from 'vitest';
import { sampleContext, sampleJob } from '../../support/ledger-data.ts';
import type { Caller } from './support/call.ts';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  return api;
}

/** Follows the links from a first page to the last; the ids of each page. */
async function pagesFrom(call: Caller, first: string): Promise<string[][]> {
  const pages: string[][] = [];
  let next: string | undefined = first;
  while (next !== undefined) {
    const { body, headers, status } = await call(`GET ${next}`);
    expect(status).toBe(200);
    pages.push(body.items.map(({ id }: { id: string }) => id));
    const [, link] = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '') ?? [];
    expect(link === undefined).toBe(body.next_cursor === null);
    if (link !== undefined) expect(new URL(link, 'http://x').searchParams.get('cursor')).toBe(body.next_cursor);
    next = link;
  }
  return pages;
}

it('leads through all schedules and targets, each once, newest first', async () => {
  const api = await setup();
  const numbers = Array.from({ length: 7 }, (_, number) => number);
  for (const number of numbers) {
    await api.call('POST /schedules', { json: scheduleBody({ id: `s${number}`, name: `S ${number}` }) });
    await registerUnseen(api, `t${number}`);
  }
  const newest = numbers.toReversed();
  const schedules = await pagesFrom(api.call, '/schedules?limit=3');
  expect(schedules.map((page) => page.length)).toEqual([3, 3, 1]);
  expect(schedules.flat()).toEqual(newest.map((number) => `s${number}`));
  const targets = await pagesFrom(api.call, '/targets?limit=4');
  expect(targets.flat()).toEqual([...newest.map((number) => `t${number}`), 'shop']);
  const audit = await pagesFrom(api.call, '/audit?limit=10');
  expect(new Set(audit.flat()).size).toBe(audit.flat().length);
  expect(audit.flat().length).toBeGreaterThan(15);
});

it('keeps the filters from page to page', async () => {
  const { call } = await setup();
  for (const number of [0, 1, 2, 3, 4, 5]) {
    const json = scheduleBody({ id: `s${number}`, name: `S ${number}`, enabled: number % 2 === 0 });
    await call('POST /schedules', { json });
  }
  expect(await pagesFrom(call, '/schedules?enabled=true&limit=2')).toEqual([['s4', 's2'], ['s0']]);
});

it('gives 50 jobs to a page, newest first by due time, also those due at one moment', async () => {
  const { call, deps } = await setup();
  const due = (minute: number) => new Date(Date.UTC(2026, 10, 22, 12, minute));
  const jobs = Array.from({ length: 120 }, (_, number) => {
    const scheduledFor = due(Math.floor(number / 10));
    return sampleJob({ scheduledFor, id: timeOrderedId(scheduledFor, randomBytes(16)) });
  });
  await deps.ledger.transaction(sampleContext(), async (tx) => {
    for (const job of jobs) await tx.jobs.insert(job);
    return { result: null, audit: [{ action: 'job.create', entity: 'job', entityId: 'many' }] };
  });
  const pages = await pagesFrom(call, '/jobs');
  expect(pages.map((page) => page.length)).toEqual([50, 50, 20]);
  const newestFirst = jobs
    .map(({ id }) => id)
    .toSorted()
    .toReversed();
  expect(pages.flat()).toEqual(newestFirst);
});

it('neither repeats nor misses what was there when something is added between two pages', async () => {
  const { call } = await setup();
  const add = (id: string) => call('POST /schedules', { json: scheduleBody({ id, name: id }) });
  for (const id of ['s1', 's2', 's3', 's4']) await add(id);
  const { body: first } = await call('GET /schedules?limit=2');
  await add('s5');
  await call('DELETE /schedules/s3', { ifMatch: '*' });
  const { body: second } = await call(`GET /schedules?limit=2&cursor=${first.next_cursor}`);
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(['s4', 's3', 's2', 's1']);
  expect(second.next_cursor).toBeNull();
});

it('refuses a limit or a cursor that is none, by its name', async () => {
  const { call } = await setup();
  const foreign = Buffer.from(JSON.stringify([1, "x' OR 1=1"])).toString('base64url');
  const wrong = [
    'limit=0',
    'limit=201',
    'limit=ten',
    'limit=1.5',
    'limit=',
    'limit=1&limit=2',
    'cursor=',
    'cursor=%00',
  ];
  wrong.push('cursor=abc', `cursor=${foreign}`, `cursor=${'A'.repeat(501)}`, 'cursor=bnVsbA');
  for (const list of ['schedules', 'targets', 'jobs', 'audit']) {
    for (const query of wrong) {
      const answer = await call(`GET /${list}?${query}`);
      const pointer = `?${query.replace(/=.*/s, '')}`;
      expect(answer, `${list}?${query}`).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
    }
  }
});
