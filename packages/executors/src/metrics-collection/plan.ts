import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { MetricsFacts, Suspect } from './facts.ts';
import type { ReadName } from './samples.ts';
import type { MetricsCollectionConfig } from './schema.ts';
import {
  activityStatement,
  bloatStatement,
  databaseStatement,
  indexesStatement,
  tablesStatement,
} from './statements.ts';

/** A slow cloud disk, with others at work. */
const readBytesPerSecond = 50 * 1024 * 1024;

/** Four cheap reads, then one measurement per suspect, the largest first, until the budget of bytes is spent. */
export function planMetrics(facts: MetricsFacts, config: MetricsCollectionConfig): Plan {
  const { pgstattuple } = facts;
  const { measured, skipped } = withinBudget(facts.suspects, config.max_measured_mb * 1024 * 1024);
  const schema = pgstattuple.kind === 'usable' ? pgstattuple.schema : undefined;
  const seen = facts.seesActivity
    ? []
    : [{ object: 'activity', reason: 'states of other roles are hidden', grant: facts.activityGrant }];
  const unmeasured =
    config.bloat && pgstattuple.kind === 'unusable'
      ? [{ object: 'bloat', reason: pgstattuple.reason, grant: pgstattuple.grant }]
      : [];
  return {
    steps: [
      cheapStep('database', databaseStatement, facts),
      cheapStep('activity', activityStatement, facts),
      cheapStep('tables', tablesStatement(config.top_relations), facts),
      cheapStep('indexes', indexesStatement(config.top_relations), facts),
      ...(schema === undefined ? [] : measured.map((suspect) => bloatStep(suspect, schema))),
    ],
    checked: facts.relations,
    skipped,
    unknown: [...seen, ...unmeasured],
  };
}

/** One that does not fit leaves its place to smaller ones. */
function withinBudget(suspects: readonly Suspect[], budgetBytes: number): Budgeted {
  const measured: Suspect[] = [];
  const skipped: { object: string; reason: string }[] = [];
  let leftBytes = budgetBytes;
  for (const suspect of suspects) {
    const { obstacle, quoted: object, sizeBytes } = suspect;
    if (obstacle !== null) skipped.push({ object, reason: obstacle });
    else if (sizeBytes === null || sizeBytes > leftBytes) skipped.push({ object, reason: 'over_max_measured_mb' });
    else {
      measured.push(suspect);
      leftBytes -= sizeBytes;
    }
  }
  return { measured, skipped };
}
interface Budgeted {
  readonly measured: readonly Suspect[];
  readonly skipped: Plan['skipped'];
}

function cheapStep(read: ReadName, statement: string, { database }: MetricsFacts): PlannedStep {
  return {
    key: read,
    object: { kind: 'database', oid: null, schema: null, name: database },
    statements: [statement],
    ...readOnly,
    sizeBytes: null,
    expectedSeconds: 1,
    data: { read },
  };
}

function bloatStep({ kind, oid, schema, name, quoted, sizeBytes }: Suspect, extensionSchema: string): PlannedStep {
  const read: ReadName = `${kind}_bloat`;
  return {
    key: `${read} ${quoted}`,
    object: { kind, oid, schema, name },
    statements: [bloatStatement({ kind, oid }, extensionSchema)],
    ...readOnly,
    sizeBytes,
    expectedSeconds: sizeBytes === null ? null : Math.ceil(sizeBytes / readBytesPerSecond),
    data: { read, object: quoted },
  };
}

/** There is nothing to take back. */
const readOnly = { lockMode: 'ACCESS SHARE', reversible: true };
