import { type CheckReport, objectKey } from '@slacktide/domain';
import { type Baseline, completed, takeBaseline, toSnapshot } from './baseline.ts';
import { type Comparison, compareSchema } from './compare.ts';
import { findingObject, findingsOf } from './drift-findings.ts';
import type { ObjectName, SchemaFacts } from './facts.ts';
import type { SchemaDriftConfig } from './schema.ts';

/** Compares the schema with the baseline, which is carried on unchanged until somebody accepts what became of it. */
export function judgeSchemaDrift(
  facts: SchemaFacts,
  baseline: Baseline | undefined,
  now: Date,
  config: SchemaDriftConfig,
): CheckReport {
  const scope = JSON.stringify({ partitions: !config.ignore_partitions, without: config.ignore_schemas.toSorted() });
  if (baseline === undefined || config.accept) {
    const { majorVersion } = facts;
    const taken = takeBaseline(facts.objects, { takenAt: now.toISOString(), majorVersion, scope });
    const readable = facts.objects.filter(({ parts }) => parts !== null).length;
    return {
      ...reportOn(facts, taken, config.accept && baseline !== undefined ? 'accepted' : 'taken'),
      checked: readable,
      unknown: lockedObjects(facts.objects.filter(({ parts }) => parts === null)),
    };
  }
  const kept = completed(baseline, facts.objects);
  if (baseline.scope !== scope) {
    const reason = 'the baseline was taken with other settings: accept the schema once to take a new one';
    return {
      ...reportOn(facts, kept, 'kept'),
      unknown: [{ object: facts.database, reason, grant: null }],
      unjudged: 'all',
    };
  }
  const comparison = compareSchema(baseline, facts);
  const { added, removed, changed, same, locked, reprinted, unjudged } = comparison;
  const report = reportOn(facts, kept, 'kept');
  return {
    ...report,
    checked: added.length + removed.length + changed.length + same,
    unknown: [...lockedObjects(locked), ...reprintedObjects(reprinted, baseline.majorVersion)],
    findings: findingsOf(comparison, baseline),
    unjudged: unjudged.map((object) => objectKey(findingObject(object))),
    figures: { ...report.figures, ...countsOf(comparison) },
  };
}

function reportOn(facts: SchemaFacts, baseline: Baseline, state: 'taken' | 'accepted' | 'kept'): CheckReport {
  return {
    check: 'schema_drift',
    checked: 0,
    skipped: [],
    unknown: [],
    findings: [],
    unjudged: [],
    figures: { baseline: state, baseline_at: baseline.takenAt, objects: facts.objects.length },
    snapshot: toSnapshot(baseline),
  };
}

function countsOf({ added, removed, changed }: Comparison): CheckReport['figures'] {
  return { added: added.length, removed: removed.length, changed: changed.length };
}

function lockedObjects(objects: readonly ObjectName[]): CheckReport['unknown'] {
  return objects.map((object) => ({ object: objectKey(findingObject(object)), reason: 'locked', grant: null }));
}

function reprintedObjects(objects: readonly ObjectName[], majorVersion: number): CheckReport['unknown'] {
  const reason = `the baseline was printed by PostgreSQL ${majorVersion}: accept the schema once to compare again`;
  return objects.map((object) => ({ object: objectKey(findingObject(object)), reason, grant: null }));
}
