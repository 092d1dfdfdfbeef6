import type { FindingAction, FoundFinding, Json } from '@slacktide/domain';
import type { Cover } from './cover.ts';
import type { MeasuredKey } from './measure.ts';
import type { Proposal } from './read-proposals.ts';
import type { MissingFkIndexConfig } from './schema.ts';
import { rowsPerReferenced, severityOf } from './severity.ts';

/** A foreign key that lacks an index, with all that is known of it. */
export interface UncoveredKey {
  readonly key: MeasuredKey;
  readonly cover: Cover;
  /** Other uncovered foreign keys on the same columns of the table: one index serves them all. */
  readonly twins: readonly MeasuredKey[];
  readonly proposal: Proposal | undefined;
  readonly buildsCorruptIndexes: boolean;
}

/** How many names a finding lists. */
const longestList = 5;

const referentialActions: Readonly<Record<string, string>> = {
  a: 'NO ACTION',
  r: 'RESTRICT',
  c: 'CASCADE',
  n: 'SET NULL',
  d: 'SET DEFAULT',
};

export function findingOf(uncovered: UncoveredKey, config: MissingFkIndexConfig): FoundFinding {
  const { key, cover, twins } = uncovered;
  const action = actionOf(uncovered);
  // Without any, its root stands for it.
  const hasPartitions = key.partitioned && cover.uncovered.every(({ table }) => table.oid !== key.tableOid);
  const each = rowsPerReferenced(key);
  return {
    fingerprint: `constraint:${key.schema}.${key.table}.${key.name}`,
    severity: severityOf(key, cover, config),
    object: { kind: 'constraint', schema: key.schema, name: key.name, table: key.table },
    summary: summaryOf(uncovered, hasPartitions),
    evidence: {
      columns: key.columns.map(({ name }) => name),
      referenced_table: `${key.referencedSchema}.${key.referencedTable}`,
      self_referencing: key.tableOid === key.referencedOid,
      on_delete: referentialActions[key.onDelete] ?? key.onDelete,
      on_update: referentialActions[key.onUpdate] ?? key.onUpdate,
      enforced: key.enforced,
      cover: cover.kind,
      rows: key.rows,
      size_bytes: key.sizeBytes,
      referenced_rows: key.referencedRows,
      rows_per_referenced_row: each === null ? null : Math.round(10 * each) / 10,
      referenced_deletes: key.referencedDeletes,
      referenced_updates_not_hot: key.referencedUpdates,
      indexes_that_do_not_cover: [...new Map(cover.nearMisses.map(({ index, why }) => [index, why]))]
        .slice(0, longestList)
        .map(([index, why]) => ({ index, why })),
      ...(twins.length === 0 ? {} : { same_columns_as: twins.map(({ name }) => name) }),
      ...partitions(uncovered, hasPartitions),
      ...(action === null ? { no_action_because: noActionBecause(uncovered) } : {}),
    },
    action,
  };
}

function actionOf({ key, proposal, buildsCorruptIndexes }: UncoveredKey): FindingAction | null {
  if (proposal === undefined || buildsCorruptIndexes || key.unservedColumns.length > 0) return null;
  const ordinary = proposal.sql.every((statement) => statement.startsWith('CREATE INDEX CONCURRENTLY'));
  return {
    sql: proposal.sql,
    rollbackSql: proposal.rollbackSql,
    lockMode: ordinary ? 'SHARE UPDATE EXCLUSIVE' : 'SHARE',
    class: 'compensable',
  };
}

function noActionBecause({ key, buildsCorruptIndexes }: UncoveredKey): string {
  if (key.unservedColumns.length > 0) {
    return `${key.unservedColumns.join(', ')} must be cast to be compared with the key, so an index on it cannot serve; give it the type of the key`;
  }
  if (buildsCorruptIndexes) {
    return 'CREATE INDEX CONCURRENTLY of this server can leave rows out of the index; update it to 14.4 or later first';
  }
  return 'the table changed while it was read';
}

function partitions({ cover }: UncoveredKey, hasPartitions: boolean): Record<string, Json> {
  if (!hasPartitions) return {};
  return {
    partitions: cover.members,
    partitions_without_index: cover.uncovered.length,
    first_partitions_without_index: cover.uncovered
      .slice(0, longestList)
      .map(({ table: { schema, name } }) => `${schema}.${name}`),
  };
}

function summaryOf({ key, cover, twins }: UncoveredKey, hasPartitions: boolean): string {
  const columns = key.columns.map(({ name }) => name).join(', ');
  const rows = key.rows === null ? 'an unknown number of rows' : `about ${key.rows} rows`;
  const what =
    cover.kind === 'partial'
      ? `only a part of its columns (${columns}) can be looked up in an index`
      : `no index covers its columns (${columns})`;
  const where = hasPartitions ? ` in ${cover.uncovered.length} of ${cover.members} partitions` : '';
  const together = twins.length === 0 ? '' : `; one index would also serve ${twins.map(({ name }) => name).join(', ')}`;
  return `Foreign key ${key.name} of ${key.schema}.${key.table} (${rows}) to ${key.referencedSchema}.${key.referencedTable}: ${what}${where}${together}`;
}
