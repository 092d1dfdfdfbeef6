import type { JsonObject, Target } from '@slacktide/domain';
import type { ConfigProblem, Plan } from './executor.ts';
import type { TargetAddress, TargetErrorCode, TargetFacts } from './target-session.ts';

/** A registered target, for a look that may need its standbys and what the ledger remembers of it. */
export type LookedAtTarget = TargetAddress & Pick<Target, 'id' | 'standbys'>;

/** A question to a worker about a target: only workers hold credentials, so the control plane asks through the ledger. */
export type Question =
  | { readonly kind: 'inspect'; readonly target: TargetAddress }
  | {
      readonly kind: 'plan';
      readonly target: LookedAtTarget;
      readonly tasks: readonly { readonly type: string; readonly config: JsonObject }[];
    };

export type Answer =
  | { readonly kind: 'inspected'; readonly facts: TargetFacts }
  | { readonly kind: 'planned'; readonly plans: readonly Plan[] }
  /** `task` is the position of the task whose configuration does not fit. */
  | { readonly kind: 'refused'; readonly task: number; readonly problems: readonly ConfigProblem[] }
  | { readonly kind: 'target_failed'; readonly code: TargetErrorCode; readonly detail: string };

/** Rows in the ledger plus LISTEN/NOTIFY: no Redis in the request's path. */
export interface Inquiries {
  /** Resolves with a worker's answer. @throws AppError `no_worker` when none answered within `timeoutMs`. */
  ask(question: Question, timeoutMs: number): Promise<Answer>;
  /** Answers open questions, each by one worker only, until the returned function is called (it waits for those in hand). */
  serve(workerId: string, answer: (question: Question) => Promise<Answer>): Promise<() => Promise<void>>;
}
