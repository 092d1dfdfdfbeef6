import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { isUnknown } from './counting.ts';
import type { DeleteFacts, LeafFacts } from './delete-facts.ts';
import type { RuleFacts } from './facts.ts';
import { type FanOut, reachesOut } from './foreign-keys.ts';
import { holdParameters } from './holds.ts';
import { batchSql } from './statements.ts';
import { lowestOf } from './time-axis.ts';

/** A batch is a handful of random reads a row, its write-ahead log, and the pauses between. */
const rowsPerSecond = 5_000;
/** Locking and deleting a row, and its index entries once VACUUM removes them. */
const walBytesPerRow = 160;

/** One step a table; those in which nothing is expired are looked at, and are no step. */
export function planDeletes(rule: RuleFacts, { leaves }: DeleteFacts): Plan {
  const ours = leaves.filter(({ relkind }) => relkind === 'r');
  const due = ours.filter(({ rows }) => rows !== 0);
  const lacking = due.flatMap((leaf) =>
    grantsOf(leaf).map((grant) => ({ object: leaf.quoted, reason: 'insufficient_privilege', grant })),
  );
  return {
    steps: due.map((leaf) => toStep(rule, leaf)),
    checked: leaves.length,
    skipped: [
      ...leaves
        .filter(({ relkind }) => relkind !== 'r')
        .map(({ quoted }) => ({ object: quoted, reason: 'foreign_table' })),
      ...ours.flatMap(({ quoted, held }) =>
        typeof held === 'number' && held > 0 ? [{ object: quoted, reason: `legal_hold: ${held} rows` }] : [],
      ),
    ],
    unknown: [
      ...lacking,
      ...due.flatMap((leaf) => (leaf.permitted && isUnknown(leaf.rows) ? [notCounted(leaf.quoted)] : [])),
    ],
  };
}

function notCounted(object: string): { object: string; reason: string; grant: null } {
  return { object, reason: 'not_counted_in_time', grant: null };
}

/** What our role lacks to delete here. */
export function grantsOf({ grant, fanOut }: Pick<LeafFacts, 'grant' | 'fanOut'>): readonly string[] {
  const lookedInto = fanOut.filter((key) => key.depth === 1 && !reachesOut(key));
  return [grant, ...lookedInto.map((key) => key.grant)].filter((text) => text !== null);
}

function toStep(rule: RuleFacts, leaf: LeafFacts): PlannedStep {
  const { axis, cutoff, folder, holds, rule: settings } = rule;
  const scan = !leaf.indexed;
  const foreignKeys = leaf.fanOut.filter(({ depth }) => depth === 1);
  const batch = batchSql({ table: leaf.quoted, axis, holds, foreignKeys, scan, exports: folder !== null });
  const rows = typeof leaf.rows === 'number' ? Math.min(leaf.rows, settings.max_rows) : null;
  return {
    key: leaf.quoted,
    object: { kind: 'table', oid: leaf.oid, schema: leaf.schema, name: leaf.name },
    statements: folder === null ? [batch] : ['BEGIN', batch, 'COMMIT'],
    lockMode: 'ROW EXCLUSIVE',
    sizeBytes: leaf.sizeBytes,
    expectedSeconds: rows === null ? null : Math.ceil(rows / rowsPerSecond),
    reversible: false,
    cost: { action: 'retention', tempDiskBytes: 0, walBytes: rows === null ? null : rows * walBytesPerRow },
    data: {
      work: 'delete',
      table_oid: leaf.oid,
      column: settings.column,
      cutoff: cutoff.value,
      cutoff_at: cutoff.at,
      from: lowestOf(axis.type),
      batch_rows: settings.batch_rows,
      max_rows: settings.max_rows,
      scan,
      hold_parameters: holdParameters(holds),
      rows: leaf.rows,
      held: leaf.held,
      triggers: leaf.triggers,
      fan_out: leaf.fanOut.map(describe),
      export_to: folder,
      left_sql: leftSql(rule, leaf),
      afterwards: 'The space is free for new rows once MVCC_CLEANUP, or autovacuum, has been there.',
    },
  };
}

/** What is left when the step is over: expired, not on hold. $1 cutoff, then the holds. */
function leftSql({ axis, holds }: RuleFacts, { quoted }: LeafFacts): string {
  const held = holds.map(({ column, type }, i) => `t.${column} OPERATOR(pg_catalog.=) ANY ($${i + 2}::${type}[])`);
  const free = held.length === 0 ? '' : ` AND (${held.join(' OR ')}) IS NOT TRUE`;
  return `SELECT count(*)::float8 AS rows FROM (SELECT FROM ONLY ${quoted} AS t WHERE t.${axis.column} < $1::${axis.type}${free} LIMIT 10000) AS found`;
}

function describe({ oid, table, constraint, onDelete, depth, rows, indexed }: FanOut): JsonObject {
  return { constraint_oid: oid, table, constraint, on_delete: onDelete, depth, rows, indexed };
}
