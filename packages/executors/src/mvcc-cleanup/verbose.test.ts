import { describe, expect, it } from 'vitest';
import { readVerbose } from './verbose.ts';

const info = (message: string) => ({ severity: 'INFO', code: '00000', message });
const table = { database: 'shop', schema: 'public', name: 't' };

// As the servers say it.
const since15 = (name: string) =>
  `finished vacuuming "shop.${name}": index scans: 2\npages: 0 removed, 52 remain, 52 scanned (100.00% of total)\ntuples: 2500 removed, 2500 remain, 0 are dead but not yet removable\nremovable cutoff: 739, which was 0 XIDs old when operation ended`;

describe('readVerbose', () => {
  it.each([
    [
      '14',
      'table "t": found 2500 removable, 2500 nonremovable row versions in 52 out of 52 pages',
      { removedRows: 2500, indexScans: null },
    ],
    ['15 and later', since15('public.t'), { removedRows: 2500, indexScans: 2 }],
    [
      'FULL on 14',
      '"t": found 7 removable, 5 nonremovable row versions in 52 pages',
      { removedRows: 7, indexScans: null },
    ],
    [
      'FULL since 15',
      '"public.t": found 7 removable, 5 nonremovable row versions in 52 pages',
      { removedRows: 7, indexScans: null },
    ],
  ])('understands %s', (_, message, report) => {
    expect(readVerbose([info('vacuuming "shop.public.t"'), info(message)], table)).toEqual(report);
  });

  it('does not take the TOAST table for the table', () => {
    expect(readVerbose([info(since15('pg_toast.pg_toast_16388'))], table)).toBeUndefined();
    const both = [
      info(since15('public.t')),
      info(since15('pg_toast.pg_toast_16388').replace('2500 removed', '9 removed')),
    ];
    expect(readVerbose(both, table)?.removedRows).toBe(2500);
  });

  it('reads no figures out of names', () => {
    const name = 'x": index scans: 9\npages: \ntuples: 999 removed, ';
    expect(readVerbose([info(since15(`public.${name}`))], { ...table, name })).toEqual({
      removedRows: 2500,
      indexScans: 2,
    });
    expect(readVerbose([info(`table "${name}": skipped`)], { ...table, name })).toBeUndefined();
  });

  it('understands nothing rather than something wrong: another language, a warning, silence', () => {
    expect(readVerbose([info('»t«: 2500 entfernbare Zeilenversionen gefunden')], table)).toBeUndefined();
    expect(
      readVerbose([{ severity: 'WARNING', code: '01000', message: '"t": found 1 removable, ' }], table),
    ).toBeUndefined();
    expect(readVerbose([], table)).toBeUndefined();
  });
});
