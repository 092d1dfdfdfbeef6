import { createHash } from 'node:crypto';
import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { amcheck } from '@slacktide/checks';
import type { SkippedObject, UnknownObject } from '@slacktide/domain';
import type { ReplicaFacts } from './facts.ts';
import type { ReplicaValidationConfig } from './schema.ts';

const mebibyte = 1024 * 1024;

/** The first step: the check of that name, on the primary and its standbys. */
export const checkKey = 'replication';

const nothing = { statements: [], lockMode: null, sizeBytes: null, expectedSeconds: 1, reversible: true } as const;

/** The check, then each standby that answers: how it stands, its indexes, its rows. */
export function planValidation(facts: ReplicaFacts, config: ReplicaValidationConfig): Plan {
  const reachable = facts.standbys.flatMap(({ name, unreachable }) => (unreachable === null ? [name] : []));
  const content = planContent(facts, config);
  const compared = planComparison(facts, config);
  const cluster = { kind: 'cluster', oid: null, schema: null, name: checkKey } as const;
  return {
    steps: [
      { key: checkKey, object: cluster, ...nothing, data: { work: 'check' } },
      ...reachable.map(
        (name): PlannedStep => ({
          key: `standby ${name}`,
          object: { ...cluster, name: `standby ${name}` },
          ...nothing,
          data: { work: 'describe', standby: name, settings: facts.settings },
        }),
      ),
      ...reachable.flatMap((name) => [...content.of(name), ...compared.of(name)]),
    ],
    checked: 1 + facts.standbys.length,
    skipped: [...content.skipped, ...compared.skipped],
    unknown: [
      ...facts.standbys.flatMap(({ name, unreachable }) =>
        unreachable === null ? [] : [{ object: `standby ${name}`, reason: unreachable, grant: null }],
      ),
      ...content.unknown,
      ...compared.unknown,
    ],
  };
}

/** What is done on every standby that answers. */
interface OnStandby {
  readonly of: (standby: string) => readonly PlannedStep[];
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
}

function planContent({ content, day }: ReplicaFacts, config: ReplicaValidationConfig): OnStandby {
  const none = { of: () => [], skipped: [], unknown: [] };
  if (content === null) return none;
  const { verifier } = content;
  if (verifier.kind === 'unusable') {
    return { ...none, unknown: [{ object: 'amcheck', reason: verifier.reason, grant: verifier.grant }] };
  }
  const sample = drawSample(content.indexes, day, config);
  return {
    ...none,
    of: (standby) =>
      sample.map(
        ({ oid, schema, name, quoted, sizeBytes }): PlannedStep => ({
          key: `index ${quoted} on ${standby}`,
          object: { kind: 'index', oid, schema, name },
          ...nothing,
          statements: [
            `SELECT ${verifier.schema}.${verifier.name}(index => ${Number(oid)}::pg_catalog.oid::pg_catalog.regclass, heapallindexed => false)`,
          ],
          lockMode: 'ACCESS SHARE',
          sizeBytes,
          data: { work: 'verify', standby, quoted },
        }),
      ),
  };
}

/** Another order every day, the same all day: in time everything comes to its turn, and the plan is what will be done. */
function drawSample(
  indexes: readonly amcheck.RelationRow[],
  day: string,
  { content_max_mb, content_max_indexes }: ReplicaValidationConfig,
): readonly amcheck.RelationRow[] {
  const order = ({ oid }: amcheck.RelationRow): string => createHash('sha256').update(`${day} ${oid}`).digest('hex');
  const drawn = indexes
    .map((index) => ({ index, order: order(index) }))
    .toSorted((a, b) => (a.order < b.order ? -1 : 1));
  let leftBytes = content_max_mb * mebibyte;
  const sample = drawn.flatMap(({ index }) => {
    if (index.sizeBytes === null || index.sizeBytes > leftBytes) return [];
    leftBytes -= index.sizeBytes;
    return [index];
  });
  return sample.slice(0, content_max_indexes);
}

function planComparison({ tables, inRecovery }: ReplicaFacts, config: ReplicaValidationConfig): OnStandby {
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  const compared = tables.filter(({ quoted: object, obstacle, grant, sizeBytes }) => {
    if (obstacle === 'insufficient_privilege') unknown.push({ object, reason: obstacle, grant });
    else if (obstacle !== null) skipped.push({ object, reason: obstacle });
    else if (inRecovery) skipped.push({ object, reason: 'target_is_a_standby' });
    else if (sizeBytes > config.compare_max_mb * mebibyte)
      skipped.push({ object, reason: 'larger_than_compare_max_mb' });
    else return true;
    return false;
  });
  return {
    skipped,
    unknown,
    of: (standby) =>
      compared.map(
        ({ oid, schema, name, quoted, sizeBytes, digest }): PlannedStep => ({
          key: `rows of ${quoted} on ${standby}`,
          object: { kind: 'table', oid, schema, name },
          ...nothing,
          statements: [digest],
          lockMode: 'ACCESS SHARE',
          sizeBytes,
          expectedSeconds: null,
          data: { work: 'compare', standby, quoted },
        }),
      ),
  };
}
