import type { JsonObject } from '@slacktide/domain';
import type { PlanShape } from './plan-shape.ts';

/** A statement whose plans with and without the index were compared. */
export interface RehearsedStatement {
  readonly queryid: string;
  /** Without literals. */
  readonly statement: string;
  readonly before: PlanShape;
  readonly after: PlanShape;
}

/** A statement that could not be planned here, and why. */
export interface LeftOutStatement {
  readonly queryid: string;
  readonly statement: string;
  readonly reason: string;
}

/** What a rehearsal of a drop came to; whatever it was, nothing of it stayed. */
export type Rehearsal =
  | {
      readonly kind: 'planned';
      readonly statements: readonly RehearsedStatement[];
      readonly worse: readonly RehearsedStatement[];
      readonly leftOut: readonly LeftOutStatement[];
      /** How long ACCESS EXCLUSIVE was held. */
      readonly heldMs: number;
    }
  /** It tells nothing. */
  | {
      readonly kind: 'unproven';
      readonly reason: string;
      readonly grant: string | null;
      readonly leftOut: readonly LeftOutStatement[];
    }
  /** The lock was not had in any attempt. */
  | { readonly kind: 'locked'; readonly blockers: readonly JsonObject[] };

/** In the form of a result. */
export function rehearsalJson(rehearsal: Rehearsal): JsonObject {
  switch (rehearsal.kind) {
    case 'locked':
      return { rehearsal: 'locked', blockers: rehearsal.blockers };
    case 'unproven': {
      const { reason, grant, leftOut } = rehearsal;
      return { rehearsal: 'unproven', reason, grant, left_out: leftOut.map((each): JsonObject => ({ ...each })) };
    }
    case 'planned': {
      const { statements, worse, leftOut, heldMs } = rehearsal;
      return {
        rehearsal: worse.length === 0 ? 'proven' : 'worse',
        lock_held_ms: heldMs,
        compared: statements.length,
        worse: worse.map(comparisonJson),
        left_out: leftOut.map((each): JsonObject => ({ ...each })),
      };
    }
  }
}

function comparisonJson({ queryid, statement, before, after }: RehearsedStatement): JsonObject {
  return {
    queryid,
    statement,
    cost_before: before.totalCost,
    cost_after: after.totalCost,
    nodes_before: before.nodes,
    nodes_after: after.nodes,
  };
}
