import type { StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { GuardedIndex } from './guarded-index.ts';
import { type Rehearsal, rehearsalJson } from './rehearsal.ts';
import { rehearse } from './rehearse.ts';
import type { SafeDropLimits } from './safe-drop-limits.ts';
import { type NamedStatement, readTopStatements } from './statement-counters.ts';
import { findStatementSource, type StatementSource } from './statement-source.ts';

/** Whether the statements of a table do without an index. */
export type Proof =
  | {
      readonly kind: 'proven';
      /** Null = statements cannot be read here, and nobody insists. */
      readonly source: Extract<StatementSource, { kind: 'usable' }> | null;
      /** Those that were looked at, and others that tell how busy the server is. */
      readonly statements: readonly NamedStatement[];
      readonly rehearsal: JsonObject;
    }
  | {
      readonly kind: 'refused';
      readonly reason: 'locked' | 'rehearsal_worse' | 'rehearsal_unproven';
      readonly result: JsonObject;
    };

type ProofRun = Pick<StepRun<unknown>, 'session' | 'observer' | 'signal' | 'progress'>;

/** Rehearses the drop, and decides by the configuration what follows from it. */
export async function proveHarmless(
  run: ProofRun,
  index: GuardedIndex,
  limits: Pick<SafeDropLimits, 'require_rehearsal' | 'max_cost_increase_percent' | 'top_statements'>,
): Promise<Proof> {
  const found = await findStatementSource(run.observer);
  const source = found.kind === 'usable' ? found : null;
  const statements =
    source === null ? [] : await readTopStatements(run.observer, source, index.tableOid, limits.top_statements);
  const rehearsal: Rehearsal =
    found.kind === 'unusable'
      ? { kind: 'unproven', reason: found.reason, grant: found.grant, leftOut: [] }
      : await rehearse(
          run,
          index,
          statements.filter(({ namesTable }) => namesTable),
          limits.max_cost_increase_percent,
        );
  const result = rehearsalJson(rehearsal);
  const refused = (reason: Extract<Proof, { kind: 'refused' }>['reason']): Proof => ({
    kind: 'refused',
    reason,
    result,
  });
  if (rehearsal.kind === 'locked') return refused('locked');
  if (rehearsal.kind === 'planned' && rehearsal.worse.length > 0) return refused('rehearsal_worse');
  if (!isProven(rehearsal) && limits.require_rehearsal) return refused('rehearsal_unproven');
  return { kind: 'proven', source, statements, rehearsal: result };
}

/** That no statement names the table is a proof as well; that none could be planned is not. */
function isProven(rehearsal: Rehearsal): boolean {
  return rehearsal.kind === 'planned' && (rehearsal.statements.length > 0 || rehearsal.leftOut.length === 0);
}
