import type { LastedEffect } from '@slacktide/application/ports';
import { expect, it } from 'vitest';
import { readRebuildAdvice } from './rebuild-advice.ts';

const now = new Date('2026-11-30T12:00:00Z');
const daysAgo = (days: number): Date => new Date(now.getTime() - days * 86_400_000);

/** A rebuild so many days ago, whose waste was back after ten. */
const lasted = (object: string, days: number, isBack = true): LastedEffect =>
  ({
    effect: { object, action: 'reindex', at: daysAgo(days), sizeBeforeBytes: 2_000, sizeAfterBytes: 1_000, detail: {} },
    aftermath: { wastePercent: 50, wasteBackAt: isBack ? daysAgo(days - 10) : null },
  }) as unknown as LastedEffect;

it('tells what the history of each index advises, and nothing of the others', async () => {
  const asked: (readonly string[])[] = [];
  const memory = {
    now: async () => now,
    lasted: async (objects: readonly string[]) => {
      asked.push(objects);
      return [lasted('s.a', 20), lasted('s.b', 20), lasted('s.a', 40), lasted('s.c', 20), lasted('s.c', 40, false)];
    },
  };
  const advice = await readRebuildAdvice(memory, ['s.a', 's.b', 's.c']);
  expect([...advice]).toEqual([['s.a', expect.objectContaining({ code: 'set_fillfactor', fillfactor: 70 })]]);
  expect(asked).toEqual([['s.a', 's.b', 's.c']]);
});

it('asks nobody about no index', async () => {
  const unasked = { now: () => Promise.reject(new Error('asked')), lasted: () => Promise.reject(new Error('asked')) };
  expect([...(await readRebuildAdvice(unasked, []))]).toEqual([]);
});
