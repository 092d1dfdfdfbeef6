import type { GuardedIndex } from '@slacktide/acting';
import type { CheckReport, EffectAdvice, FoundFinding, JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { OptimizeFacts } from './facts.ts';
import { planOptimize } from './plan.ts';
import { taskType } from './schema.ts';
import type { Way } from './ways.ts';

const config = (changes: JsonObject = {}) =>
  taskType.config.parse({ drop_duplicate: true, drop_redundant: true, drop_unused: true, ...changes });

function index(name: string, changes: Partial<GuardedIndex> = {}): GuardedIndex {
  return {
    oid: [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7),
    schema: 's',
    name,
    quoted: `s.${name}`,
    tableOid: 1,
    table: 's.t',
    tableSchema: 's',
    tableName: 't',
    sizeBytes: 1024 * 1024,
    definition: '',
    guards: [],
    permitted: true,
    grant: null,
    rebuildPermitted: true,
    rebuildGrant: null,
    ...changes,
  };
}

function finding(name: string, evidence: JsonObject = {}, action: Partial<FoundFinding['action']> = {}): FoundFinding {
  return {
    fingerprint: `index:s.${name}`,
    severity: 'warning',
    object: { kind: 'index', schema: 's', name, table: 't' },
    summary: `drop ${name}`,
    evidence,
    action: { sql: [''], rollbackSql: [], lockMode: null, class: 'never_retry', ...action },
  };
}
const rebuildOf = (name: string, waste: number) =>
  finding(name, { waste_bytes: waste, waste_percent: 50 }, { class: 'idempotent' });

function factsOf(
  found: Partial<Record<Way, readonly FoundFinding[]>>,
  indexes: readonly GuardedIndex[],
): OptimizeFacts {
  const report = (findings: readonly FoundFinding[]): CheckReport => ({
    check: 'unused_index',
    checked: 9,
    skipped: [],
    unknown: [],
    findings,
    unjudged: [],
    figures: {},
  });
  return {
    reports: (Object.entries(found) as [Way, FoundFinding[]][]).map(([way, findings]) => ({
      way,
      report: report(findings),
    })),
    indexes: new Map(indexes.map((each) => [`s.${each.name}`, each])),
    underWatched: new Map(),
    advice: new Map(),
  };
}
const keysOf = ({ steps }: ReturnType<typeof planOptimize>) => steps.map(({ key, data }) => `${data['way']} ${key}`);

describe('planOptimize', () => {
  it('drops before it rebuilds, and rebuilds nothing that goes', () => {
    const facts = factsOf(
      {
        duplicate: [finding('a', { kept_index: 's.b' })],
        rebuild: [rebuildOf('a', 9), rebuildOf('b', 5), rebuildOf('c', 7)],
      },
      ['a', 'b', 'c'].map((name) => index(name)),
    );
    expect(keysOf(planOptimize(facts, config()))).toEqual(['duplicate s.a', 'rebuild s.c', 'rebuild s.b']);
  });

  it('keeps the keeper, and keeps the other where the keeper goes', () => {
    const keeper = factsOf(
      { duplicate: [finding('a', { kept_index: 's.b' })], unused: [finding('b')] },
      ['a', 'b'].map((name) => index(name)),
    );
    expect(planOptimize(keeper, config())).toMatchObject({
      steps: [{ key: 's.a' }],
      skipped: [{ object: 's.b', reason: 'does_the_work_of_another' }],
    });
    const chain = factsOf(
      { duplicate: [finding('b', { kept_index: 's.c' })], redundant: [finding('a', { covering_index: 's.b' })] },
      ['a', 'b', 'c'].map((name) => index(name)),
    );
    expect(planOptimize(chain, config())).toMatchObject({
      steps: [{ key: 's.b' }],
      skipped: [{ object: 's.a', reason: 'its_keeper_goes' }],
    });
  });

  it('drops an index once, however it was found', () => {
    const facts = factsOf({ redundant: [finding('a', { covering_index: 's.b' })], unused: [finding('a')] }, [
      index('a'),
      index('b'),
    ]);
    expect(keysOf(planOptimize(facts, config()))).toEqual(['redundant s.a']);
  });

  it('says why it leaves the rest', () => {
    const facts = factsOf(
      {
        redundant: [finding('mirrored', { covering_index: 's.x', order: 'mirrored_order' })],
        unused: [finding('guarded'), finding('foreign'), finding('first'), finding('second')],
        rebuild: [
          rebuildOf('large', 9),
          rebuildOf('not_mine', 8),
          rebuildOf('broken', 7),
          rebuildOf('one', 6),
          rebuildOf('two', 5),
        ],
      },
      [
        ...['mirrored', 'first', 'second', 'one', 'two'].map((name) => index(name)),
        index('guarded', { guards: ['supports_foreign_key', 'unique'] }),
        index('foreign', { permitted: false, grant: 'GRANT owner TO me' }),
        index('large', { sizeBytes: 100 * 1024 * 1024 }),
        index('not_mine', { rebuildPermitted: false, rebuildGrant: 'GRANT MAINTAIN' }),
        index('broken', { guards: ['invalid'] }),
      ],
    );
    const plan = planOptimize(facts, config({ max_drops: 1, max_rebuilds: 1, max_rebuild_mb: 50 }));
    expect(keysOf(plan)).toEqual(['unused s.first', 'rebuild s.one']);
    expect(plan.skipped).toEqual([
      { object: 's.mirrored', reason: 'mirrored_order' },
      { object: 's.guarded', reason: 'supports_foreign_key' },
      { object: 's.second', reason: 'over_max_drops' },
      { object: 's.large', reason: 'over_max_rebuild_mb' },
      { object: 's.broken', reason: 'invalid' },
      { object: 's.two', reason: 'over_max_rebuilds' },
    ]);
    expect(plan.unknown).toEqual([
      { object: 's.foreign', reason: 'insufficient_privilege', grant: 'GRANT owner TO me' },
      { object: 's.not_mine', reason: 'insufficient_privilege', grant: 'GRANT MAINTAIN' },
    ]);
  });

  it('leaves an index alone whose history says that a rebuild does not last, and gives its place to the next', () => {
    const words = 'stop rebuilding it, set fillfactor 70.';
    const advice = new Map<string, EffectAdvice>(
      ['one', 'two'].map((name) => [
        `s.${name}`,
        { code: 'set_fillfactor', action: 'reindex', words, fillfactor: 70, thresholdPercent: null },
      ]),
    );
    // The second has the fillfactor that was advised; it takes a rebuild to hold.
    const lowered = finding('two', { waste_bytes: 8, waste_percent: 50, fillfactor: 70 });
    const found = factsOf(
      { rebuild: [rebuildOf('one', 9), lowered, rebuildOf('three', 7)] },
      ['one', 'two', 'three'].map((name) => index(name)),
    );
    const plan = planOptimize({ ...found, advice }, config({ max_rebuilds: 2 }));
    expect(keysOf(plan)).toEqual(['rebuild s.two', 'rebuild s.three']);
    expect(plan.skipped).toEqual([{ object: 's.one', reason: 'advised_against', detail: words }]);
  });

  it('looks into the named schemas alone', () => {
    const facts = factsOf({ unused: [finding('a')] }, [index('a')]);
    expect(planOptimize(facts, config({ schemas: ['other'] })).steps).toEqual([]);
    expect(planOptimize(facts, config({ schemas: ['s'] })).steps).toHaveLength(1);
  });

  it('is off unless it is asked for, but for rebuilds', () => {
    expect(taskType.config.parse({})).toMatchObject({
      rebuild: true,
      drop_duplicate: false,
      drop_redundant: false,
      drop_unused: false,
      unused_days: 35,
      max_drops: 5,
      require_rehearsal: true,
      roll_back_when_worse: true,
    });
  });
});
