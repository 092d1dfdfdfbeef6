import type { PastEffect } from '@slacktide/application/ports';
import { expect, it } from 'vitest';
import { readRecentRebuilds } from './recent-rebuilds.ts';

const now = new Date('2026-11-30T12:00:00Z');

/** A ledger that remembers rebuilds by the days they are ago. */
const memory = (daysAgo: Record<string, number>) => ({
  now: async () => now,
  effects: async ({ action }: { action?: string }) =>
    action !== 'reindex'
      ? []
      : Object.entries(daysAgo).map(
          ([object, days]) => ({ object, at: new Date(now.getTime() - days * 86_400_000) }) as PastEffect,
        ),
});

it('remembers those within the cool-down, to the day', async () => {
  const ledger = memory({ 'public.a': 1, 'public.b': 7, 'public.c': 7.1 });
  expect([...(await readRecentRebuilds(ledger, 7))]).toEqual(['public.a', 'public.b']);
  expect([...(await readRecentRebuilds(ledger, 0.5))]).toEqual([]);
});

it('asks nobody when there is none', async () => {
  const unasked = { now: () => Promise.reject(new Error('asked')), effects: () => Promise.reject(new Error('asked')) };
  expect([...(await readRecentRebuilds(unasked, 0))]).toEqual([]);
});
