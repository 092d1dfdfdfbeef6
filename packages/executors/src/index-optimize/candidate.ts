import type { GuardedIndex } from '@slacktide/acting';
import type { Plan } from '@slacktide/application/ports';
import type { FoundFinding } from '@slacktide/domain';
import type { Way } from './ways.ts';

/** An index for which a check proposes something. */
export interface Candidate {
  readonly way: Way;
  readonly finding: FoundFinding;
  readonly index: GuardedIndex;
}

/** What is left out, and why. */
export interface Verdicts {
  readonly skipped: Plan['skipped'][number][];
  readonly unknown: { readonly object: string; readonly reason: string; readonly grant: string | null }[];
}
