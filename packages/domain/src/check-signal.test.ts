import { describe, expect, it } from 'vitest';
import { checkSignal } from './check-signal.ts';
import { type CheckName, checkNames, type Severity } from './finding.ts';

const report = (check: CheckName) => ({ check, checked: 12, unknown: [], unjudged: [] });
const of = (...severities: Severity[]) => severities.map((severity, n) => ({ severity, summary: `${severity} ${n}` }));
const statusOf = (check: CheckName, ...severities: Severity[]) =>
  checkSignal('Shop', report(check), of(...severities))?.status;

describe('checkSignal', () => {
  it.each(checkNames)('%s is healthy with nothing but remarks, and never so with something critical', (check) => {
    expect(statusOf(check)).toBe('HEALTHY');
    expect(statusOf(check, 'info')).toBe('HEALTHY');
    expect(statusOf(check, 'info', 'critical', 'warning')).toBe(check === 'integrity' ? 'UNHEALTHY' : 'DEGRADED');
  });

  it('is degraded by warnings of harm that grows, not by chances to do better', () => {
    expect(checkNames.filter((check) => statusOf(check, 'info', 'warning') === 'DEGRADED')).toEqual([
      'integrity',
      'invalid_constraint',
      'invalid_index',
      'stale_operation',
      'hanging_index_build',
      'wraparound',
      'wal_archiving',
      'replication',
    ]);
  });

  it.each([
    [of('warning'), 'Shop: 1 finding (1 warning): warning 0'],
    [of('info', 'warning'), 'Shop: 2 findings (1 warning): warning 1'],
    [of('info', 'info'), 'Shop: 2 findings: info 0'],
    [of('warning', 'critical', 'info', 'critical'), 'Shop: 4 findings (2 critical, 1 warning): critical 1'],
    [[], 'Shop: nothing found in 12 objects'],
  ])('says how many there are and the worst of them: %#', (findings, message) => {
    expect(checkSignal('Shop', report('unused_index'), findings)?.message).toBe(message);
  });

  it('is not healthy by mere blindness: degraded where rights are missing, silent where only time will tell', () => {
    const blind = (grant: string | null) =>
      checkSignal(
        'Shop',
        { ...report('integrity'), checked: 0, unknown: [{ object: 'amcheck', reason: 'not installed', grant }] },
        [],
      );
    expect(blind('CREATE EXTENSION amcheck')).toEqual({
      status: 'DEGRADED',
      message: 'Shop: nothing could be judged: not installed; cure: CREATE EXTENSION amcheck',
    });
    expect(blind(null)).toBeNull();
    expect(checkSignal('Shop', { ...report('integrity'), checked: 0, unjudged: 'all' }, [])).toBeNull();
    const nothingThere = checkSignal('Shop', { ...report('matview_index'), checked: 0 }, []);
    expect(nothingThere).toEqual({ status: 'HEALTHY', message: 'Shop: nothing found in 0 objects' });
  });

  it('says what an empty answer rests on, and what could not be judged', () => {
    const unknown = [{ object: 'public.a', reason: 'locked', grant: null }];
    const say = (changes: Partial<Parameters<typeof checkSignal>[1]>, ...severities: Severity[]) =>
      checkSignal('Shop', { ...report('unused_index'), ...changes }, of(...severities))?.message;
    expect(say({ checked: 1 })).toBe('Shop: nothing found in 1 object');
    expect(say({ unjudged: 'all' })).toBe('Shop: nothing could be judged');
    expect(say({ unknown })).toBe('Shop: nothing found in 12 objects; 1 object could not be judged');
    expect(say({ unknown: [...unknown, ...unknown] }, 'info')).toBe(
      'Shop: 1 finding: info 0; 2 objects could not be judged',
    );
  });
});
