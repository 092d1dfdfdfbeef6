import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviseFromEffects, type LastingEffect } from './advise-from-effects.ts';

const dayMs = 86_400_000;
const now = new Date('2026-11-22T12:00:00Z');
const daysAgo = (days: number): Date => new Date(now.getTime() - days * dayMs);

/** A rebuild so many days ago, halved by it, with its waste back after so many days; null = measured, and not back. */
function rebuild(ago: number, backAfter: number | null, changes: Partial<LastingEffect> = {}): LastingEffect {
  return {
    action: 'reindex',
    at: daysAgo(ago),
    sizeBeforeBytes: 1_000,
    sizeAfterBytes: 500,
    wasteBeforePercent: 50,
    wasteSincePercent: 20,
    wasteBackAt: backAfter === null ? null : daysAgo(ago - backAfter),
    fillfactor: null,
    ...changes,
  };
}
const codeOf = (...effects: LastingEffect[]) => adviseFromEffects(effects, now)?.code ?? null;

describe('adviseFromEffects', () => {
  it('advises a lower fillfactor where waste was back within two weeks, twice', () => {
    expect(adviseFromEffects([rebuild(60, 10), rebuild(30, 13.2)], now)).toEqual({
      code: 'set_fillfactor',
      action: 'reindex',
      words: 'The last two times its waste was back within 14 days: stop rebuilding it, set fillfactor 70.',
      fillfactor: 70,
      thresholdPercent: null,
    });
    expect(codeOf(rebuild(30, 10))).toBeNull();
    expect(codeOf(rebuild(60, 10), rebuild(30, 15))).toBeNull();
    expect(codeOf(rebuild(60, 10), rebuild(30, null))).toBeNull();
  });

  it('does not wait for the last rebuild to show how it lasts, and takes no silence for lasting', () => {
    expect(codeOf(rebuild(60, 10), rebuild(30, 10), rebuild(3, null))).toBe('set_fillfactor');
    expect(codeOf(rebuild(60, 10), rebuild(45, 10), rebuild(20, null, { wasteSincePercent: null }))).toBe(
      'set_fillfactor',
    );
  });

  it('does not advise again what was done', () => {
    expect(codeOf(rebuild(60, 10, { fillfactor: 70 }), rebuild(30, 10, { fillfactor: 70 }))).toBe('stop_rebuilding');
    expect(codeOf(rebuild(60, 10, { fillfactor: 90 }), rebuild(30, 10, { fillfactor: 90 }))).toBe('set_fillfactor');
  });

  it('has nothing to say of an index that is gone', () => {
    expect(codeOf(rebuild(60, 10), rebuild(30, 10), rebuild(1, null, { action: 'drop_index' }))).toBeNull();
  });

  it('advises autovacuum for tables that are rewritten again and again', () => {
    const rewrite = { action: 'vacuum_full' };
    expect(codeOf(rebuild(60, 10, rewrite), rebuild(30, 10, rewrite))).toBe('tune_autovacuum');
  });

  it('advises a higher threshold where nothing was freed, twice', () => {
    const vain = { sizeAfterBytes: 960 };
    expect(codeOf(rebuild(60, null, vain), rebuild(30, null, vain))).toBe('raise_threshold');
    expect(codeOf(rebuild(60, null, { sizeAfterBytes: 1_100 }), rebuild(30, null, vain))).toBe('raise_threshold');
    expect(codeOf(rebuild(60, null, vain), rebuild(30, null))).toBeNull();
    expect(codeOf(rebuild(60, null, vain))).toBeNull();
    const advice = adviseFromEffects(
      [
        rebuild(60, null, { ...vain, wasteBeforePercent: 41.5 }),
        rebuild(30, null, { ...vain, wasteBeforePercent: 48 }),
      ],
      now,
    );
    expect(advice).toMatchObject({ thresholdPercent: 53, fillfactor: null });
    expect(advice?.words).toContain('less than 5 % of it, at 48 % of waste: raise the threshold');
    expect(advice?.words).toContain('to 53 %.');
    const unmeasured = { ...vain, wasteBeforePercent: null };
    expect(adviseFromEffects([rebuild(60, null, vain), rebuild(30, null, unmeasured)], now)).toMatchObject({
      code: 'raise_threshold',
      thresholdPercent: null,
    });
    const vacuum = { ...vain, action: 'vacuum' };
    expect(codeOf(rebuild(60, null, vacuum), rebuild(30, null, vacuum))).toBeNull();
  });

  const effect = fc.record({
    action: fc.constantFrom('reindex', 'vacuum_full', 'vacuum', 'analyze'),
    at: fc.integer({ min: 0, max: 400 }).map(daysAgo),
    sizeBeforeBytes: fc.option(fc.integer({ min: 0, max: 1_000 })),
    sizeAfterBytes: fc.option(fc.integer({ min: 0, max: 1_000 })),
    wasteBeforePercent: fc.option(fc.integer({ min: 0, max: 100 })),
    wasteSincePercent: fc.option(fc.integer({ min: 0, max: 100 })),
    wasteBackAt: fc.option(fc.integer({ min: 0, max: 400 }).map(daysAgo)),
    fillfactor: fc.option(fc.constantFrom(70, 90)),
  });

  it('needs two of the same kind of work, whatever the history, and does not depend on its order', () => {
    const history = fc.uniqueArray(effect, { maxLength: 8, selector: ({ at }) => at.getTime() });
    fc.assert(
      fc.property(history, (effects) => {
        const advice = adviseFromEffects(effects, now);
        expect(adviseFromEffects(effects.toReversed(), now)).toEqual(advice);
        if (advice === null) return;
        const same = effects.filter(({ action }) => action === advice.action);
        expect(same.length).toBeGreaterThanOrEqual(2);
        expect(['reindex', 'vacuum_full']).toContain(advice.action);
        if (advice.code === 'set_fillfactor') expect(advice.action).toBe('reindex');
        if (advice.code === 'tune_autovacuum') expect(advice.action).toBe('vacuum_full');
      }),
    );
  });

  it('never advises against work that freed much and lasted, whatever was before', () => {
    const lasted = [rebuild(40, null), rebuild(20, null)];
    const older = fc.array(
      effect.map((each) => ({ ...each, action: 'reindex', at: daysAgo(100) })),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(older, (effects) => {
        expect(adviseFromEffects([...effects, ...lasted], now)).toBeNull();
      }),
    );
  });
});
