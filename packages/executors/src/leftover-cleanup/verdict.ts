import type { JsonObject } from '@slacktide/domain';
import type { Leftover } from './facts.ts';
import type { LeftoverCleanupConfig } from './schema.ts';

/** What becomes of a leftover. */
export type Verdict =
  | { readonly kind: 'drop' | 'rebuild' | 'complete'; readonly statements: readonly string[] }
  | { readonly kind: 'skip'; readonly reason: string };

/** As the check proposes; where the index may be wanted or not, as the configuration says. */
export function judgeLeftover({ finding, index }: Leftover, config: LeftoverCleanupConfig): Verdict {
  const { action, evidence } = finding;
  const found = String(evidence['class']);
  if (found === 'dead_temporary_schema') return { kind: 'skip', reason: 'autovacuum_drops_it' };
  if (found === 'incomplete_partitioned' && !config.complete_partitioned) return { kind: 'skip', reason: found };
  const dropsIt = [`DROP INDEX CONCURRENTLY ${index.quoted}`];
  const mayBeDropped = found === 'failed_drop' || found === 'failed_drop_or_create';
  if (mayBeDropped && config.repair === 'drop') return { kind: 'drop', statements: dropsIt };
  if (action === null) return { kind: 'skip', reason: `${found}: ${because(evidence)}` };
  if (found === 'incomplete_partitioned') return { kind: 'complete', statements: action.sql };
  const [statement = ''] = action.sql;
  if (statement.startsWith('DROP INDEX CONCURRENTLY ')) return { kind: 'drop', statements: action.sql };
  if (!statement.startsWith('REINDEX INDEX CONCURRENTLY ')) return { kind: 'skip', reason: 'needs_a_blocking_reindex' };
  // A constraint's index cannot be dropped.
  return config.repair === 'drop' ? { kind: 'skip', reason: found } : { kind: 'rebuild', statements: action.sql };
}

function because(evidence: JsonObject): string {
  const reason = evidence['no_action_because'];
  return typeof reason === 'string' ? reason : 'nothing safe to propose';
}
