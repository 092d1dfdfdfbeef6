import { TargetError } from '@slacktide/application/ports';
import type { Check } from '@slacktide/checks';
import { checks } from '@slacktide/checks';
import type { CheckReport } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { noContext } from '../../../test/support/no-context.ts';
import { lookWith, reportResult } from './run-check.ts';

const [type] = checks.map((check) => check.type);
if (type === undefined) throw new Error('there are no checks');
const observer = { serverVersion: 180_000, identity: undefined as never, query: async () => [] };
const refusing = (error: Error): Check => ({ type, run: () => Promise.reject(error) });
const look = (check: Check) =>
  lookWith(check, { observer, ...noContext, signal: new AbortController().signal }, {}, undefined);

describe('lookWith', () => {
  it.each(['insufficient_privilege', 'lock_timeout', 'statement_timeout'] as const)(
    'takes %s for not known, and keeps every finding',
    async (code) => {
      expect(await look(refusing(new TargetError(code, 'no')))).toEqual({
        check: type.name,
        checked: 0,
        skipped: [],
        unknown: [{ object: type.name, reason: `${code}: no`, grant: null }],
        findings: [],
        unjudged: 'all',
        figures: {},
      });
    },
  );

  it.each([
    new TargetError('session_lost', 'gone'),
    new TargetError('cancelled', 'told to'),
    new TargetError('statement_failed', 'syntax error'),
    new Error('a fault of ours'),
  ])('passes on $message', async (error) => {
    await expect(look(refusing(error))).rejects.toBe(error);
  });
});

describe('reportResult', () => {
  it('counts everything, and lists so much', () => {
    const entries = Array.from({ length: 60 }, (_, i) => ({ object: `public.t${i}`, reason: 'small', grant: null }));
    const report: CheckReport = {
      check: type.name,
      checked: 60,
      skipped: entries,
      unknown: entries,
      findings: [],
      unjudged: [],
      figures: { seen: 1 },
    };
    const result = reportResult(report);
    expect(result).toMatchObject({
      checked: 60,
      findings: 0,
      skipped_count: 60,
      unknown_count: 60,
      figures: { seen: 1 },
    });
    expect([result['skipped'], result['unknown']].map((list) => (list as unknown[]).length)).toEqual([50, 50]);
  });
});
