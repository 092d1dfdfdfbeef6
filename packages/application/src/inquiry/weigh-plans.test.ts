import { describe, expect, it, vi } from 'vitest';
import {
  type LockLook,
  type PastEffect,
  type Plan,
  type PlannedStep,
  TargetError,
  type TargetReader,
  type WorkedTable,
} from '../ports/index.ts';
import { planView } from '../view/plan-view.ts';
import { weighPlans } from './weigh-plans.ts';

const reader = {} as TargetReader;
const step = (changes: Partial<PlannedStep> = {}): PlannedStep => ({
  key: 'public.orders',
  object: { kind: 'table', oid: 16_400, schema: 'public', name: 'orders' },
  statements: ['VACUUM (FULL) public.orders'],
  lockMode: 'ACCESS EXCLUSIVE',
  sizeBytes: 1_000,
  expectedSeconds: 1,
  reversible: false,
  data: {},
  ...changes,
});
const planOf = (...steps: PlannedStep[]): Plan => ({ steps, checked: 1, skipped: [], unknown: [] });
const past = (object: string, durationMs: number): PastEffect =>
  ({ object, durationMs, sizeBeforeBytes: 1_000, action: 'vacuum_full' }) as PastEffect;

function setup(look: (tables: readonly WorkedTable[]) => Promise<LockLook>, effects: readonly PastEffect[] = []) {
  const readLocks = vi.fn((_: TargetReader, tables: readonly WorkedTable[]) => look(tables));
  const memory = { effects: vi.fn(async () => effects) };
  return { deps: { gateway: { readLocks }, memory }, readLocks, memory };
}
const writer = {
  pid: 7,
  user: 'app',
  applicationName: 'checkout',
  transactionAgeSeconds: 3,
  mode: 'RowExclusiveLock',
  granted: true,
};

describe('weighPlans', () => {
  it('adds to each step who would wait, what it costs, and how long it takes, as the API shows it', async () => {
    const history = [past('public.orders', 1_000), past('public.orders', 2_000), past('public.orders', 3_000)];
    const { deps } = setup(async () => ({ tables: [[writer]], snapshots: [] }), history);
    const cost = { action: 'vacuum_full', tempDiskBytes: 2_000, walBytes: 3_000 } as const;
    const [plan] = await weighPlans(deps, reader, [planOf(step({ cost, sizeBytes: 2_000 }))]);
    const view = planView('shop', [{ task: { key: 'k', type: 'T', config: {}, needs: [] }, plan: plan ?? planOf() }]);
    expect(view.tasks[0]?.steps[0]?.blast_radius).toEqual({
      would_wait: [
        { pid: 7, user: 'app', application_name: 'checkout', transaction_age_seconds: 3, locks: 'ROW EXCLUSIVE' },
      ],
      would_wait_count: 1,
      temp_disk_bytes: 2_000,
      wal_bytes: 3_000,
      expected_seconds: { low: expect.closeTo(2.4), likely: 4, high: expect.closeTo(5.6), samples: 3 },
      reversible: false,
    });
  });

  it('looks once at the locks of all steps of all plans, and once at each kind of work', async () => {
    const { deps, readLocks, memory } = setup(async (tables) => ({ tables: tables.map(() => []), snapshots: [] }));
    const index = { kind: 'index', oid: null, schema: 'public', name: 'orders_n' } as const;
    const plans = [
      planOf(step(), step({ key: 'public.b', data: { table_oid: 5 } })),
      planOf(
        step({ lockMode: null, statements: ['CHECKPOINT'] }),
        step({ object: index, statements: ['REINDEX INDEX CONCURRENTLY public.orders_n'], data: { table: 'orders' } }),
      ),
    ];
    const weighed = await weighPlans(deps, reader, plans);
    expect(readLocks.mock.calls.map(([, tables]) => tables)).toEqual([
      [
        { oid: 16_400, schema: 'public', name: 'orders', table: null },
        { oid: 5, schema: 'public', name: 'orders', table: null },
        { oid: null, schema: 'public', name: 'orders_n', table: 'orders' },
      ],
    ]);
    expect(memory.effects.mock.calls).toEqual([
      [{ action: 'vacuum_full', limit: 1_000 }],
      [{ action: 'reindex', limit: 1_000 }],
    ]);
    expect(weighed.flatMap(({ steps }) => steps.map(({ blastRadius }) => blastRadius?.wouldWait))).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });

  it('tells what is not known as such: a table nobody found, a target that would not tell, costs and times', async () => {
    const none = { tempDiskBytes: null, walBytes: null, expectedSeconds: null };
    const unknown = { ...none, wouldWait: null, wouldWaitCount: null };
    const gone = setup(async () => ({ tables: [undefined], snapshots: [] }));
    const [plan] = await weighPlans(gone.deps, reader, [planOf(step(), step({ lockMode: null }))]);
    expect(plan?.steps.map(({ blastRadius }) => blastRadius)).toEqual([
      unknown,
      { ...none, wouldWait: [], wouldWaitCount: 0 },
    ]);
    const silent = setup(() => Promise.reject(new TargetError('statement_timeout', 'too slow')));
    const [other] = await weighPlans(silent.deps, reader, [planOf(step())]);
    expect(other?.steps[0]?.blastRadius).toEqual(unknown);
    const lost = setup(() => Promise.reject(new TargetError('session_lost', 'gone')));
    await expect(weighPlans(lost.deps, reader, [planOf(step())])).rejects.toMatchObject({ code: 'session_lost' });
  });

  it('names twenty of a crowd, and counts all of it', async () => {
    const crowd = Array.from({ length: 50 }, (_, pid) => ({ ...writer, pid, transactionAgeSeconds: pid }));
    const { deps } = setup(async () => ({ tables: [crowd], snapshots: [] }));
    const [plan] = await weighPlans(deps, reader, [planOf(step())]);
    const { wouldWait, wouldWaitCount } = plan?.steps[0]?.blastRadius ?? {};
    expect(wouldWaitCount).toBe(50);
    expect(wouldWait).toHaveLength(20);
    expect(wouldWait?.[0]?.pid).toBe(49);
  });

  it('knows the history of an object by its plain name, too', async () => {
    const history = [1, 2, 3].map(() => past('public."Orders"', 5_000));
    const { deps } = setup(async () => ({ tables: [[]], snapshots: [] }), [...history, past('public.x', 9)]);
    const [plan] = await weighPlans(deps, reader, [planOf(step({ key: 'public.Orders' }))]);
    expect(plan?.steps[0]?.blastRadius?.expectedSeconds).toMatchObject({ likely: 5, samples: 3 });
  });
});
