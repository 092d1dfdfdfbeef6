import { type BesideSize, besideActs } from '../../support/beside-acting.ts';
import { type Benchmark, type Row, single } from '../harness/benchmark.ts';
import { type Leg, openBesideRig } from '../harness/beside-rig.ts';
import { interleave, ratio } from '../harness/rounds.ts';
import { quantile, spread } from '../harness/statistics.ts';

/** p99 beside an act against p99 without, at the same rate. */
const wantedRatio = 3;
/** The longest attempt at a lock that others may queue behind. */
const wantedQueueMs = 1_000;
/** Of what the server can do at most: one under care has room, or the throttle would wait. */
const share = 0.4;

const sizes = {
  full: {
    scale: 5,
    legMs: 4_000,
    rounds: 7,
    size: { tailRows: 200_000, sparseRows: 20_000, partitions: 2, visits: 100_000 },
  },
  quick: {
    scale: 1,
    legMs: 1_000,
    rounds: 1,
    size: { tailRows: 50_000, sparseRows: 8_000, partitions: 1, visits: 10_000 },
  },
} satisfies Record<string, { scale: number; legMs: number; rounds: number; size: BesideSize }>;

/** G22: what pgbench's clients feel of acting, and that none of them is ended or kept waiting in a queue behind us. */
export const benchmark: Benchmark = {
  title: 'pgbench beside acting',
  async run(run) {
    const { scale, legMs, rounds, size } = run.quick ? sizes.quick : sizes.full;
    const rig = await openBesideRig(run, scale, size);
    const most = await rig.calm({ legMs });
    const ratePerSecond = Math.max(1, Math.floor((share * most.latenciesMs.length) / most.seconds));
    const acts = besideActs(size);
    const legs = new Map<string, Leg[]>(['calm', ...acts.map(({ name }) => name)].map((name) => [name, []]));
    const keep = async (name: string, measured: Promise<Leg>): Promise<number> => {
      const leg = await measured;
      run.log(
        `${name}: ${leg.latenciesMs.length} transactions in ${leg.seconds.toFixed(1)} s, longest waits ${Math.round(leg.queues.asking.longestMs)} and ${Math.round(leg.queues.holding.longestMs)} ms`,
      );
      legs.get(name)?.push(leg);
      return quantile(leg.latenciesMs, 0.99);
    };
    const options = { ratePerSecond, legMs };
    const measured = await interleave<string>({
      rounds,
      warmUps: 0,
      legs: {
        calm: () => keep('calm', rig.calm(options)),
        ...Object.fromEntries(acts.map((act) => [act.name, () => keep(act.name, rig.beside(act, options))])),
      },
    });
    const all = [...legs.values()].flat();
    const p50 = (name: string) => spread((legs.get(name) ?? []).map(({ latenciesMs }) => quantile(latenciesMs, 0.5)));
    const p99 = (name: string) => spread(measured.values[name] ?? []);
    const errors = all.reduce((sum, leg) => sum + leg.errors, 0) + (await rig.endedByForce());
    const asking = worstOf(legs, 'asking');
    const holding = worstOf(legs, 'holding');
    const rows: Row[] = acts.flatMap(({ name, meetsHolders }): Row[] => {
      const factor = ratio(measured, name, 'calm');
      // Whoever consents to VACUUM FULL consents to waiting for it: of that the queue counts.
      const goal =
        meetsHolders === true
          ? { goal: '' }
          : { goal: 'G22', wanted: `ratio ≤ ${wantedRatio}`, met: factor.median <= wantedRatio };
      const reference = { what: 'without it', value: p99('calm') };
      return [
        {
          ...goal,
          what: `${name}: p99 of pgbench’s transactions`,
          unit: 'ms',
          product: p99(name),
          reference,
          ratio: factor,
        },
      ];
    });
    return {
      calibrationMs: measured.calibrationMs,
      rows: [
        ...rows,
        {
          goal: 'G22',
          what: `longest wait behind a lock that we asked for (${asking.words})`,
          unit: 'ms',
          product: single(asking.longestMs),
          wanted: `≤ ${wantedQueueMs} ms`,
          met: asking.longestMs <= wantedQueueMs,
        },
        {
          goal: 'G22',
          what: `failed transactions and ended sessions of ${all.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0)} transactions`,
          unit: '',
          product: single(errors),
          wanted: '0',
          met: errors === 0,
        },
        {
          goal: '',
          what: `longest wait for a lock that we had (${holding.words})`,
          unit: 'ms',
          product: single(holding.longestMs),
        },
        ...['calm', ...acts.map(({ name }) => name)].map(
          (name): Row => ({ goal: '', what: `${name}: p50`, unit: 'ms', product: p50(name) }),
        ),
      ],
      notes: [
        `pgbench at ${ratePerSecond} transactions a second, ${100 * share} % of what the server manages, scale ${scale}, from the moment each was due: TPC-B, and single statements on the tables that are acted on.`,
        'Each act is what a worker does, from its facts to its verification, with the default limits. While VACUUM FULL asks for its lock two more clients keep theirs on the table for a quarter of a second at a time.',
        'Who waits for whom is looked at every 20 ms; how long, is told by the server.',
      ],
    };
  },
};

/** The longest wait of a kind in all legs, and in words beside which act, for what, and how many sessions waited at once at most. */
function worstOf(
  legs: ReadonlyMap<string, readonly Leg[]>,
  kind: 'asking' | 'holding',
): { longestMs: number; words: string } {
  const seen = [...legs].flatMap(([name, of]) => of.map(({ queues }) => ({ name, ...queues[kind] })));
  const [worst] = seen.toSorted((a, b) => b.longestMs - a.longestMs);
  if (worst?.wait == null) return { longestMs: 0, words: 'nobody' };
  const { mode, relation } = worst.wait;
  const sessions = Math.max(...seen.map((each) => each.sessions));
  const words = `${worst.name}, ${mode} of ${relation ?? 'a transaction'}; at most ${sessions} sessions at once`;
  return { longestMs: worst.longestMs, words };
}
