import { expect, it } from 'vitest';
import { parseBenchLog } from './pgbench-log.ts';

it('reads the lines of pgbench, with and without a rate, and counts what failed', () => {
  const { transactions, failed } = parseBenchLog(
    [
      '0 199 2241 0 1175850568 995598',
      '1 3 1500 2 1175850569 5 310',
      '0 200 skipped 0 1175850569 6 5',
      '2 1 serialization 0 1175850570 1',
      '',
    ].join('\n'),
  );
  expect(transactions).toEqual([
    { script: 0, endedAtMs: 1_175_850_568_995.598, latencyMs: 2.241 },
    { script: 2, endedAtMs: 1_175_850_569_000.005, latencyMs: 1.5 },
  ]);
  expect(failed).toBe(1);
  expect(() => parseBenchLog('something else')).toThrow('something else');
});
