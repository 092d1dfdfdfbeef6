import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decideRecovery,
  type Evidence,
  mayLook,
  type RecoveryDecision,
  type RecoveryFacts,
} from './decide-recovery.ts';
import { safetyClasses } from './task-type.ts';

const over = (found: 'done' | 'not_done' | 'unclear', isPromoted = false): Evidence => ({
  kind: 'over',
  found,
  isPromoted,
});

function facts(changes: Partial<RecoveryFacts> = {}): RecoveryFacts {
  return {
    class: 'idempotent',
    canRollBack: false,
    crashes: 0,
    attempts: 1,
    cancelRequested: false,
    evidence: over('not_done'),
    expiredForMs: 0,
    waitMs: 60_000,
    giveUpMs: 900_000,
    ...changes,
  };
}

const running: Evidence = { kind: 'session_running', isEnding: false };
const ending: Evidence = { kind: 'session_running', isEnding: true };
const anyEvidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc.constantFrom<Evidence>({ kind: 'untouched' }, { kind: 'out_of_reach' }, { kind: 'other_system' }, running, ending),
  fc.record({
    kind: fc.constant('over' as const),
    found: fc.constantFrom('done' as const, 'not_done' as const, 'unclear' as const),
    isPromoted: fc.boolean(),
  }),
);
const anyFacts: fc.Arbitrary<RecoveryFacts> = fc.record({
  class: fc.constantFrom(...safetyClasses),
  canRollBack: fc.boolean(),
  crashes: fc.nat(3),
  attempts: fc.integer({ min: 1, max: 6 }),
  cancelRequested: fc.boolean(),
  evidence: anyEvidence,
  expiredForMs: fc.nat(2_000_000),
  waitMs: fc.nat(100_000),
  giveUpMs: fc.integer({ min: 100_000, max: 1_000_000 }),
});

describe('decideRecovery', () => {
  test.each<[string, Partial<RecoveryFacts>, RecoveryDecision]>([
    ['does again what never touched the target', { evidence: { kind: 'untouched' } }, { kind: 'redrive' }],
    [
      'does again what never touched the target, whatever its class',
      { class: 'never_retry', evidence: { kind: 'untouched' } },
      { kind: 'redrive' },
    ],
    ['records what is done', { evidence: over('done') }, { kind: 'succeed' }],
    ['records what is done, whatever its class', { class: 'never_retry', evidence: over('done') }, { kind: 'succeed' }],
    ['records what is done on the new primary', { evidence: over('done', true) }, { kind: 'succeed' }],
    [
      'records what is done though it was to be cancelled',
      { cancelRequested: true, evidence: over('done') },
      { kind: 'succeed' },
    ],
    ['does idempotent work again', { evidence: over('not_done') }, { kind: 'redrive' }],
    ['does idempotent work again when nobody can tell', { evidence: over('unclear') }, { kind: 'redrive' }],
    ['does idempotent work again on a new primary', { evidence: over('unclear', true) }, { kind: 'redrive' }],
    [
      'takes compensable work back',
      { class: 'compensable', canRollBack: true, evidence: over('not_done') },
      { kind: 'roll_back' },
    ],
    [
      'takes compensable work back when nobody can tell',
      { class: 'compensable', canRollBack: true, evidence: over('unclear') },
      { kind: 'roll_back' },
    ],
    [
      'asks a person where compensable work has no way back',
      { class: 'compensable', evidence: over('unclear') },
      { kind: 'need_operator', why: 'cannot_be_rolled_back' },
    ],
    [
      'takes nothing back on a primary that was not worked on',
      { class: 'compensable', canRollBack: true, evidence: over('not_done', true) },
      { kind: 'need_operator', why: 'promoted' },
    ],
    [
      'asks a person about work that must not be repeated, even when it is not done',
      { class: 'never_retry', canRollBack: true, evidence: over('not_done') },
      { kind: 'need_operator', why: 'must_not_be_repeated' },
    ],
    [
      'asks a person when the target is another system',
      { evidence: { kind: 'other_system' } },
      { kind: 'need_operator', why: 'other_system' },
    ],
    ['waits for a session that still runs', { evidence: running, expiredForMs: 59_999 }, { kind: 'wait' }],
    ['ends it when it has waited long enough', { evidence: running, expiredForMs: 60_000 }, { kind: 'end_session' }],
    [
      'ends it at once when somebody wants it to end',
      { evidence: running, cancelRequested: true },
      { kind: 'end_session' },
    ],
    ['waits for one that is ending', { evidence: ending, expiredForMs: 899_999 }, { kind: 'wait' }],
    [
      'lets the target lock decide when it will not end',
      { evidence: ending, expiredForMs: 900_000 },
      { kind: 'redrive' },
    ],
    [
      'asks a person when it will not end',
      { class: 'compensable', canRollBack: true, evidence: ending, expiredForMs: 900_000 },
      { kind: 'need_operator', why: 'out_of_reach' },
    ],
    [
      'waits for a target out of reach',
      { evidence: { kind: 'out_of_reach' }, expiredForMs: 899_999 },
      { kind: 'wait' },
    ],
    [
      'tries again in the end where that is harmless',
      { evidence: { kind: 'out_of_reach' }, expiredForMs: 900_000 },
      { kind: 'redrive' },
    ],
    [
      'asks a person in the end where it is not',
      { class: 'never_retry', evidence: { kind: 'out_of_reach' }, expiredForMs: 900_000 },
      { kind: 'need_operator', why: 'out_of_reach' },
    ],
    ['cancels instead of doing it again', { cancelRequested: true }, { kind: 'cancel' }],
    ['cancels rather than quarantines', { cancelRequested: true, crashes: 5 }, { kind: 'cancel' }],
    ['quarantines what killed a second worker', { crashes: 1 }, { kind: 'quarantine' }],
    ['quarantines it though nothing was done', { crashes: 1, evidence: { kind: 'untouched' } }, { kind: 'quarantine' }],
    [
      'records what is done though it killed a second worker',
      { crashes: 1, evidence: over('done') },
      { kind: 'succeed' },
    ],
    ['looks a third time', { attempts: 3, evidence: over('done') }, { kind: 'succeed' }],
    [
      'quarantines harmless work whose recovery came to no end three times',
      { attempts: 4, evidence: { kind: 'out_of_reach' } },
      { kind: 'quarantine' },
    ],
    [
      'cancels such work where somebody wants it to end',
      { attempts: 4, cancelRequested: true, evidence: { kind: 'out_of_reach' } },
      { kind: 'cancel' },
    ],
    [
      'asks a person about other work whose recovery came to no end three times',
      { class: 'compensable', canRollBack: true, attempts: 4, evidence: { kind: 'out_of_reach' } },
      { kind: 'need_operator', why: 'recovery_fails' },
    ],
    [
      'does again what never touched the target, however often recovery was cut short: it needs no look',
      { class: 'never_retry', attempts: 9, evidence: { kind: 'untouched' } },
      { kind: 'redrive' },
    ],
  ])('%s', (_, changes, expected) => expect(decideRecovery(facts(changes))).toEqual(expected));

  test('never repeats never-retry work that may have touched its target', () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const { kind } = decideRecovery({ ...some, class: 'never_retry' });
        if (some.evidence.kind !== 'untouched')
          expect(['redrive', 'roll_back', 'quarantine', 'cancel']).not.toContain(kind);
      }),
    );
  });

  test('repeats compensable work only when nothing of it reached the target', () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const { kind } = decideRecovery({ ...some, class: 'compensable' });
        if (kind === 'redrive' || kind === 'quarantine') expect(some.evidence.kind).toBe('untouched');
        if (kind === 'roll_back') expect([some.canRollBack, some.evidence.kind]).toEqual([true, 'over']);
      }),
    );
  });

  test('settles or redrives nothing while the session of the dead worker may run, before it gives up', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(running, ending), (some, evidence) => {
        const { kind } = decideRecovery({ ...some, evidence });
        const isPatient = mayLook(some) && (some.expiredForMs < some.giveUpMs || evidence === running);
        if (isPatient) expect(['wait', 'end_session']).toContain(kind);
      }),
    );
  });

  test('has nothing done on the target once recovery came to no end three times', () => {
    fc.assert(
      fc.property(anyFacts, fc.integer({ min: 4, max: 9 }), (some, attempts) => {
        expect(['redrive', 'cancel', 'quarantine', 'need_operator']).toContain(
          decideRecovery({ ...some, attempts }).kind,
        );
      }),
    );
  });

  test('ends within bounds: nothing waits for ever, and nothing is done again for a third time', () => {
    fc.assert(
      fc.property(anyFacts, (some) => {
        const late = decideRecovery({ ...some, expiredForMs: Math.max(some.waitMs, some.giveUpMs) });
        expect(late.kind).not.toBe('wait');
        expect(decideRecovery({ ...some, crashes: 1 }).kind).not.toBe('redrive');
      }),
    );
  });
});
