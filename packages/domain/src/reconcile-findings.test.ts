import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckReport, FoundFinding } from './finding.ts';
import { findingState, type KnownFinding, reconcileFindings } from './reconcile-findings.ts';

function found(name: string, changes: Partial<FoundFinding> = {}): FoundFinding {
  return {
    fingerprint: `f ${name}`,
    severity: 'warning',
    object: { kind: 'index', schema: 'public', name, table: 'orders' },
    summary: `${name} is unused`,
    evidence: {},
    action: null,
    ...changes,
  };
}

function known(name: string, changes: Partial<KnownFinding> = {}): KnownFinding {
  const { fingerprint, severity, object, summary } = found(name);
  return { id: `id ${name}`, fingerprint, severity, object, summary, isResolved: false, isMuted: false, ...changes };
}

function report(findings: readonly FoundFinding[], changes: Partial<CheckReport> = {}): CheckReport {
  return {
    check: 'unused_index',
    checked: 9,
    skipped: [],
    unknown: [],
    findings,
    unjudged: [],
    figures: {},
    ...changes,
  };
}

const nothing = { opened: [], seenAgain: [], reopened: [], resolved: [], kept: [] };

describe('reconcileFindings', () => {
  it('opens what is new', () => {
    expect(reconcileFindings([], report([found('a')]))).toEqual({ ...nothing, opened: [found('a')] });
  });

  it('sees again what is open or muted, as it is found now', () => {
    const worse = found('a', { severity: 'critical' });
    const muted = known('b', { isMuted: true });
    expect(reconcileFindings([known('a'), muted], report([worse, found('b')]))).toEqual({
      ...nothing,
      seenAgain: [
        { known: known('a'), found: worse },
        { known: muted, found: found('b') },
      ],
    });
  });

  it('reopens what had been resolved', () => {
    const gone = known('a', { isResolved: true, isMuted: true });
    expect(reconcileFindings([gone], report([found('a')]))).toEqual({
      ...nothing,
      reopened: [{ known: gone, found: found('a') }],
    });
  });

  it('resolves what was not found, muted or not, also where its object was skipped by rule', () => {
    const muted = known('b', { isMuted: true });
    const skipped = [{ object: 'public.a', reason: 'excluded' }];
    expect(reconcileFindings([known('a'), muted], report([], { skipped }))).toEqual({
      ...nothing,
      resolved: [known('a'), muted],
    });
  });

  it('leaves alone what was resolved and is not found', () => {
    expect(reconcileFindings([known('a', { isResolved: true })], report([]))).toEqual(nothing);
    expect(reconcileFindings([known('a', { isResolved: true })], report([], { unjudged: 'all' }))).toEqual(nothing);
  });

  it('keeps what could not be judged: by its object, or because nothing could', () => {
    const unknown = [{ object: 'public.a', reason: 'insufficient_privilege', grant: null }];
    const cluster = known('all', { object: { kind: 'cluster', schema: null, name: 'all', table: null } });
    const all = [known('a'), known('b'), known('c'), cluster];
    expect(reconcileFindings(all, report([], { unknown, unjudged: ['public.b', 'all'] }))).toEqual({
      ...nothing,
      resolved: [known('c')],
      kept: [known('a'), known('b'), cluster],
    });
    expect(reconcileFindings(all, report([], { unjudged: 'all' }))).toEqual({ ...nothing, kept: all });
  });

  it('refuses a report with a fingerprint twice, naming it', () => {
    const twice = report([found('a'), found('b'), found('c', { fingerprint: 'f a' })]);
    expect(() => reconcileFindings([], twice)).toThrow(
      'expected every finding of unused_index to have its own fingerprint, got: f a',
    );
  });

  it('accounts for every finding exactly once', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
    const flags = fc.record({ isResolved: fc.boolean(), isMuted: fc.boolean() });
    const unjudged = fc.oneof(
      fc.constant('all' as const),
      names.map((all) => all.map((name) => `public.${name}`)),
    );
    fc.assert(
      fc.property(names, names, flags, unjudged, (before, now, flag, left) => {
        const existing = before.map((name) => known(name, flag));
        const all = reconcileFindings(
          existing,
          report(
            now.map((name) => found(name)),
            { unjudged: left },
          ),
        );
        const again = [...all.seenAgain, ...all.reopened];
        expect(
          [...all.opened, ...again.map((each) => each.found)].map(({ fingerprint }) => fingerprint).sort(),
        ).toEqual(now.map((name) => `f ${name}`).sort());
        const ended = [...all.resolved, ...all.kept];
        const untouched = flag.isResolved ? before.filter((name) => !now.includes(name)).length : 0;
        expect(again.length + ended.length + untouched).toBe(before.length);
      }),
    );
  });
});

it.each([
  [false, false, 'open'],
  [false, true, 'muted'],
  [true, false, 'resolved'],
  [true, true, 'resolved'],
])('a finding that is resolved: %s, muted: %s, is %s', (isResolved, isMuted, state) => {
  expect(findingState({ isResolved, isMuted })).toBe(state);
});
