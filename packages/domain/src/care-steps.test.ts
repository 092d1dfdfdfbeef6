import { describe, expect, it } from 'vitest';
import { defaultCareSettings } from './care-settings.ts';
import { careSteps } from './care-steps.ts';
import { checkNames } from './finding.ts';

const { features } = defaultCareSettings;
const hour = 3_600;

describe('careSteps', () => {
  it('are eighteen, 0 to 17, in their order, each with a key of its own', () => {
    expect(careSteps.map(({ number }) => number)).toEqual(Array.from({ length: 18 }, (_, number) => number));
    expect([...careSteps.map(({ key }) => key)].sort()).toEqual(careSteps.map(({ key }) => key));
    expect(careSteps.every(({ enabled }) => enabled(features))).toBe(true);
  });

  it('run every time but for those with an interval', () => {
    const intervals = careSteps.map((step) => [step.number, step.intervalSeconds(features)]);
    expect(Object.fromEntries(intervals.filter(([, seconds]) => seconds !== 0))).toEqual({
      8: hour,
      9: 24 * hour,
      11: 6 * hour,
      12: 6 * hour,
      14: 12 * hour,
      16: 24 * hour,
      17: 24 * hour,
    });
  });

  it('run each check at most once', () => {
    const checks = careSteps.flatMap((step) => step.checks);
    expect(new Set(checks).size).toBe(checks.length);
    for (const check of checks) expect(checkNames).toContain(check);
  });

  it('can each be switched off alone', () => {
    const off = Object.fromEntries(
      Object.entries(features).map(([name, feature]) => [
        name,
        { ...feature, ...('enabled' in feature ? { enabled: false } : { training_enabled: false }) },
      ]),
    ) as typeof features;
    expect(careSteps.filter(({ enabled }) => enabled(off))).toEqual([]);
  });
});
