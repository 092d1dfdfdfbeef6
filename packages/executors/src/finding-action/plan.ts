import type { ObjectRef, Plan } from '@slacktide/application/ports';
import type { FoundFinding } from '@slacktide/domain';
import { type FindingFacts, planIdOf } from './facts.ts';
import type { FindingActionConfig } from './schema.ts';

/** One step with all statements: they are one work, and a later one may not run when an earlier one failed. */
export function planAction({ finding, unknown }: FindingFacts, config: FindingActionConfig): Plan {
  const leftOut = (reason: string): Plan => ({
    steps: [],
    checked: 1,
    skipped: unknown.length > 0 ? [] : [{ object: config.object, reason }],
    unknown,
  });
  if (finding === undefined) return leftOut('not_found_any_more');
  if (finding.action === null) return leftOut('nothing_safe_to_propose');
  const sizeBytes = finding.evidence['size_bytes'];
  return {
    steps: [
      {
        key: config.object,
        object: objectOf(finding),
        statements: finding.action.sql,
        lockMode: finding.action.lockMode,
        sizeBytes: typeof sizeBytes === 'number' ? sizeBytes : null,
        expectedSeconds: null,
        reversible: finding.action.rollbackSql.length > 0,
        data: {
          plan_id: planIdOf(finding),
          table: finding.object.table,
          rollback_sql: finding.action.rollbackSql,
          because: finding.summary,
          waste_percent: finding.evidence['waste_percent'] ?? null,
        },
      },
    ],
    checked: 1,
    skipped: [],
    unknown: [],
  };
}

function objectOf({ object }: FoundFinding): ObjectRef {
  const kind = object.kind === 'index' ? 'index' : object.schema === null ? 'database' : 'table';
  return { kind, oid: null, schema: object.schema, name: object.name };
}
