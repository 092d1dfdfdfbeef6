import type { SafetyClass } from './task-type.ts';

/** What is known of work whose worker let its lease run out. */
export type Evidence =
  /** Nothing was done on the target: the work only reads, or its intent to act was never recorded. */
  | { readonly kind: 'untouched' }
  /** The target could not be asked, or its lock could not be had. */
  | { readonly kind: 'out_of_reach' }
  /** The target is another system than the one that was worked on. */
  | { readonly kind: 'other_system' }
  /** The session that was to act is still there. `isEnding` = it was told to end, and has not yet. */
  | { readonly kind: 'session_running'; readonly isEnding: boolean }
  /** Nothing of it runs any more: this is what the ledger's steps and the catalogue tell. */
  | {
      readonly kind: 'over';
      readonly found: 'done' | 'not_done' | 'unclear';
      /** The target is no longer the primary that was worked on: the old one may still be at it. */
      readonly isPromoted: boolean;
    };

export interface RecoveryFacts {
  readonly class: SafetyClass;
  /** The executor can take back what it began. */
  readonly canRollBack: boolean;
  /** Workers that died over the task before this one. */
  readonly crashes: number;
  /** Take-overs since the last that came to an orderly end, this one among them. */
  readonly attempts: number;
  readonly cancelRequested: boolean;
  readonly evidence: Evidence;
  /** Since the lease ran out. */
  readonly expiredForMs: number;
  /** How long a session that still runs may go on by itself. */
  readonly waitMs: number;
  /** How long recovery is tried while target or session stand in its way; longer than `waitMs`. */
  readonly giveUpMs: number;
}

export type RecoveryDecision =
  /** Look again later. */
  | { readonly kind: 'wait' }
  /** End the session of the dead worker, then look again. */
  | { readonly kind: 'end_session' }
  /** It was done; only its record is missing. */
  | { readonly kind: 'succeed' }
  /** Do it again. */
  | { readonly kind: 'redrive' }
  /** It would be done again, but somebody wants it to end. */
  | { readonly kind: 'cancel' }
  /** It would be done again, but costs a worker each time. */
  | { readonly kind: 'quarantine' }
  /** Take back what was begun. */
  | { readonly kind: 'roll_back' }
  | { readonly kind: 'need_operator'; readonly why: UnclearReason };

/** Why a person has to say what became of it. */
export type UnclearReason =
  | 'must_not_be_repeated'
  | 'cannot_be_rolled_back'
  | 'promoted'
  | 'other_system'
  | 'out_of_reach'
  | 'recovery_fails';

/** A task over which so many workers died is not given to another one. */
export const crashesUntilQuarantine = 2;

/**
 * The take-over, of those that follow one another without an orderly end, that does not look at the target any more: what an executor does to find out, to
 * take back and to sweep may be what kills workers, and nothing else would bound how many. Not earlier, for a take-over that ends because the
 * ledger is away counts as well: it cannot say that it ended, and three of these may come together by chance.
 */
export const recoveryAttemptsUntilBlind = 4;

/**
 * Decides what becomes of a task whose worker let its lease run out (law 7).
 *
 *   nothing done on the target             → again
 *   its session still runs                 → wait; past `waitMs`, or when somebody wants it to end → end it
 *   done                                   → succeed
 *   not done, or nobody can tell           → by class: again · roll back · a person
 *   target or session out of reach         → wait; past `giveUpMs` → again where that is harmless, else a person
 *   recovery itself came to no end, thrice → no look: quarantined where that is harmless, else a person
 *
 * Again means: cancelled where that was asked for, and never once a second worker died over it.
 */
export function decideRecovery(facts: RecoveryFacts): RecoveryDecision {
  const { evidence } = facts;
  if (evidence.kind !== 'untouched' && !mayLook(facts)) return withoutLook(facts);
  switch (evidence.kind) {
    case 'untouched':
      return again(facts);
    case 'other_system':
      return { kind: 'need_operator', why: 'other_system' };
    case 'out_of_reach':
      return outOfReach(facts);
    case 'session_running':
      if (evidence.isEnding) return outOfReach(facts);
      return facts.cancelRequested || facts.expiredForMs >= facts.waitMs ? { kind: 'end_session' } : { kind: 'wait' };
    case 'over':
      return evidence.found === 'done' ? { kind: 'succeed' } : byClass(facts, evidence.isPromoted);
  }
}

/** Whether recovery may still do anything on the target to find out what became of the work. */
export function mayLook({ attempts }: Pick<RecoveryFacts, 'attempts'>): boolean {
  return attempts < recoveryAttemptsUntilBlind;
}

/** Whoever comes next to the target needs its lock: idempotent work may end though nobody knows whether it still runs. */
function withoutLook(facts: RecoveryFacts): RecoveryDecision {
  if (facts.class !== 'idempotent') return { kind: 'need_operator', why: 'recovery_fails' };
  return { kind: facts.cancelRequested ? 'cancel' : 'quarantine' };
}

function byClass(facts: RecoveryFacts, isPromoted: boolean): RecoveryDecision {
  if (facts.class === 'idempotent') return again(facts);
  if (isPromoted) return { kind: 'need_operator', why: 'promoted' };
  if (facts.class === 'never_retry') return { kind: 'need_operator', why: 'must_not_be_repeated' };
  return facts.canRollBack ? { kind: 'roll_back' } : { kind: 'need_operator', why: 'cannot_be_rolled_back' };
}

function outOfReach(facts: RecoveryFacts): RecoveryDecision {
  if (facts.expiredForMs < facts.giveUpMs) return { kind: 'wait' };
  // Whoever does it again needs the target's lock first: idempotent work is safe even without a look.
  return facts.class === 'idempotent' ? again(facts) : { kind: 'need_operator', why: 'out_of_reach' };
}

function again({ crashes, cancelRequested }: RecoveryFacts): RecoveryDecision {
  if (cancelRequested) return { kind: 'cancel' };
  return { kind: crashes + 1 >= crashesUntilQuarantine ? 'quarantine' : 'redrive' };
}
