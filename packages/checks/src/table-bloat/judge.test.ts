import type { XminHolder } from '@slacktide/targets';
import { describe, expect, it } from 'vitest';
import { judgeTableBloat, keyOf, type TableBloatFacts } from './judge.ts';
import type { TableRow } from './read.ts';
import { readMemory } from './remembered.ts';
import { checkType } from './schema.ts';
import type { HeapFigures } from './waste.ts';

const config = checkType.config.parse({});
const now = new Date('2026-11-30T02:00:00Z');
const table: TableRow = {
  oid: 16_400,
  ownerOid: 16_400,
  kind: 'table',
  schema: 'public',
  name: 'orders',
  quoted: 'public.orders',
  method: 'heap',
  excluded: null,
  locked: false,
  sizeBytes: 8192 * 1000,
  readBytes: 8192 * 1000,
  filenode: 16_400,
  liveRows: 0,
  deadRows: 0,
  lastVacuum: '2026-11-30 01:00:00+00',
  secondsSinceVacuum: 3600,
  vacuumSql: 'VACUUM public.orders',
};
const figures: HeapFigures = {
  sizeBytes: 8192 * 1000,
  scannedPercent: 100,
  liveRows: 30_000,
  liveBytes: 3_000_000,
  deadRows: 40_000,
  deadPercent: 50,
  freePercent: 5,
  fillfactor: 100,
  blockBytes: 8192,
  openRowsCountAsDead: false,
};
const holder: XminHolder = {
  kind: 'session',
  name: null,
  pid: 4711,
  user: 'app',
  applicationName: 'report',
  state: 'idle in transaction',
  transactionAgeSeconds: 7200,
  xmin: '800',
  ageTransactions: 12,
  catalogOnly: false,
};
const facts = (changes: Partial<TableRow> = {}, measured: Partial<HeapFigures> | null = {}): TableBloatFacts => {
  const row = { ...table, ...changes };
  return {
    database: 'shop',
    inRecovery: false,
    rewriters: ['pg_repack'],
    tables: [row],
    tooSmall: 0,
    measurements: new Map(
      measured === null ? [] : [[keyOf(row), { kind: 'measured', figures: { ...figures, ...measured }, bytesRead: 0 }]],
    ),
    bytesRead: 0,
    oldestHolder: null,
    remembered: new Map(),
    now,
  };
};

describe('table_bloat', () => {
  it('proposes VACUUM for dead rows', () => {
    expect(judgeTableBloat(facts(), config).findings).toMatchObject([
      { fingerprint: 'table_dead_rows:public.orders', severity: 'warning', action: { sql: ['VACUUM public.orders'] } },
    ]);
  });

  it('proposes nothing for free space, and says what a rewrite costs', () => {
    expect(judgeTableBloat(facts({}, { deadPercent: 5, freePercent: 50 }), config).findings).toMatchObject([
      {
        fingerprint: 'table_free_space:public.orders',
        severity: 'info',
        action: null,
        evidence: { options: [{}, { installed: ['pg_repack'] }, { how: 'VACUUM FULL' }] },
      },
    ]);
  });

  it.each([
    ['a holder that was there before the last VACUUM', { oldestHolder: holder }, null],
    ['a younger holder', { oldestHolder: { ...holder, transactionAgeSeconds: 60 } }, { class: 'idempotent' }],
    [
      'a slot, whose age nobody knows',
      { oldestHolder: { ...holder, transactionAgeSeconds: null } },
      { class: 'idempotent' },
    ],
    ['a standby', { inRecovery: true }, null],
  ])('heeds %s', (_, surroundings, action) => {
    const [finding] = judgeTableBloat({ ...facts(), ...surroundings }, config).findings;
    if (action === null) expect(finding).toMatchObject({ action, evidence: { no_action_because: expect.any(String) } });
    else expect(finding).toMatchObject({ action });
  });

  it('names TOAST tables after the table they belong to', () => {
    const toast = { kind: 'toast_table', schema: 'pg_toast', name: 'pg_toast_16390' } as const;
    expect(judgeTableBloat(facts(toast), config).findings).toMatchObject([
      {
        fingerprint: 'toast_dead_rows:public.orders',
        object: { kind: 'toast_table', schema: 'pg_toast', name: 'pg_toast_16390', table: null },
        evidence: { toast_of: 'public.orders' },
      },
    ]);
  });

  it('leaves what had no turn unjudged, and what is locked unknown', () => {
    expect(judgeTableBloat(facts({}, null), config)).toMatchObject({
      checked: 0,
      unjudged: ['public.orders'],
      unknown: [],
    });
    expect(judgeTableBloat(facts({ locked: true, sizeBytes: null }, null), config)).toMatchObject({
      checked: 0,
      unjudged: [],
      unknown: [{ object: 'public.orders', reason: 'locked', grant: null }],
    });
  });

  it('counts what was measured before as long as it is the same file', () => {
    const { snapshot = {} } = judgeTableBloat(facts(), config);
    const remembered = readMemory({ at: now, values: snapshot });
    expect(judgeTableBloat({ ...facts({}, null), remembered }, config).figures).toMatchObject({
      bloated: 1,
      measured: 0,
    });
    const rewritten = { ...facts({ filenode: 17_000 }, null), remembered };
    expect(judgeTableBloat(rewritten, config).figures).toMatchObject({ bloated: 0, healthy: 0 });
  });
});
