import { describe, expect, it } from 'vitest';
import { localTime } from './next-firings.ts';

describe('localTime', () => {
  it.each([
    ['2026-11-23T01:00:00Z', 'Europe/Berlin', '2026-11-23T02:00:00+01:00'],
    ['2026-07-01T01:00:00Z', 'Europe/Berlin', '2026-07-01T03:00:00+02:00'],
    ['2026-11-23T01:00:00Z', 'America/St_Johns', '2026-11-22T21:30:00-03:30'],
    ['2026-11-23T23:30:00Z', 'Asia/Kathmandu', '2026-11-24T05:15:00+05:45'],
    ['2026-11-23T01:00:00Z', 'UTC', '2026-11-23T01:00:00+00:00'],
  ])('%s is in %s %s', (at, zone, local) => {
    expect(localTime(new Date(at), zone)).toBe(local);
    expect(new Date(local).getTime()).toBe(new Date(at).getTime());
  });
});
