import { describe, expect, it } from 'vitest';
import { type ChecksumCounter, checksumFinding, rememberChecksums } from './checksums.ts';
import type { ChecksumMemory } from './remembered.ts';

const now = new Date('2026-11-30T02:00:00Z');
const seconds = now.getTime() / 1000;
const day = 86_400;
const counter = (failures: number | null, lastFailureAt: number | null = null): ChecksumCounter => ({
  scope: 'database',
  failures,
  lastFailureAt,
});
const known: ChecksumMemory = { counter: 3, total: 3, lastFailureAt: seconds - day };
const context = { database: 'shop', rememberDays: 30, now };

describe('checksum failures', () => {
  it.each([
    [
      'the first look takes what there is',
      undefined,
      counter(2, seconds - 9),
      { counter: 2, total: 2, lastFailureAt: seconds - 9 },
    ],
    ['more failures add up', known, counter(5, seconds), { counter: 5, total: 5, lastFailureAt: seconds }],
    ['a reset takes nothing away', known, counter(0), { counter: 0, total: 3, lastFailureAt: seconds - day }],
    ['failures after a reset add up', known, counter(1, seconds), { counter: 1, total: 4, lastFailureAt: seconds }],
    ['checksums switched off take nothing away', known, counter(null), known],
  ])('%s', (_, memory, row, expected) => {
    expect(rememberChecksums(row, memory, now)).toEqual(expected);
  });

  it.each([
    ['counted', counter(1), { counter: 1, total: 1, lastFailureAt: null }, true],
    ['reset since, but recent', counter(0), { counter: 0, total: 3, lastFailureAt: seconds - 29 * day }, true],
    ['seen before checksums were switched off', counter(null), known, true],
    ['reset since, and long ago', counter(0), { counter: 0, total: 3, lastFailureAt: seconds - 31 * day }, false],
    ['none', counter(0), { counter: 0, total: 0, lastFailureAt: null }, false],
    ['unknown, as checksums are off', counter(null), undefined, false],
  ])('are reported or not: %s', (_, row, memory, reported) => {
    const finding = checksumFinding(row, memory, context);
    expect(finding !== undefined).toBe(reported);
    if (finding !== undefined)
      expect(finding).toMatchObject({ fingerprint: 'database:shop', severity: 'critical', action: null });
  });

  it('of what all databases share are a finding of their own', () => {
    const shared = { ...counter(1), scope: 'shared' as const };
    expect(checksumFinding(shared, known, context)).toMatchObject({
      object: { kind: 'cluster' },
      summary: expect.stringContaining('share'),
    });
  });
});
