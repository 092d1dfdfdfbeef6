import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { isUnknown } from './counting.ts';
import type { RuleFacts } from './facts.ts';
import { holdParameters } from './holds.ts';
import type { PartitionsFacts } from './partition-facts.ts';
import type { PartitionFacts } from './partitions.ts';
import { checkSql, heldCountSql } from './statements.ts';
import { whyNot } from './why-not.ts';

/** Reading, packing, writing and reading back. */
const exportBytesPerSecond = 10 * 1024 * 1024;

/** How a partition leaves its table. */
export type DetachMode =
  /** Readers and writers of the other partitions go on. */
  | 'concurrently'
  /** There is a DEFAULT partition, so that the whole table is locked for a moment. */
  | 'plain'
  /** It was cut short before. */
  | 'finalize';

/** One step an expired partition, the oldest first, at most `max_partitions`; what stands in the way of one is told, and the next is looked at. */
export function planPartitions(rule: RuleFacts, { checked, expired, waiting }: PartitionsFacts): Plan {
  const judged = expired.map((partition) => ({ partition, reason: whyNot(partition, rule) }));
  const free = judged.flatMap(({ partition, reason }) => (reason === null ? [partition] : []));
  const chosen = free.slice(0, rule.rule.max_partitions);
  return {
    steps: chosen.map((partition) => toStep(rule, partition)),
    checked,
    skipped: [
      ...judged.flatMap(({ partition, reason }) => (reason === null ? [] : [{ object: partition.quoted, reason }])),
      ...[...free.slice(chosen.length).map(({ quoted }) => quoted), ...waiting].map((object) => ({
        object,
        reason: 'over_max_partitions',
      })),
    ],
    unknown: chosen.flatMap(({ quoted, permitted, grant, rows, held }) => {
      if (!permitted) return [{ object: quoted, reason: 'insufficient_privilege', grant }];
      const inTime = !isUnknown(rows) && !isUnknown(held);
      return inTime ? [] : [{ object: quoted, reason: 'not_counted_in_time', grant: null }];
    }),
  };
}

function toStep(rule: RuleFacts, partition: PartitionFacts): PlannedStep {
  const { cutoff, folder, holds, method } = rule;
  const { quoted, parent, bound, oid, parentOid, rows, sizeBytes } = partition;
  const mode: DetachMode = partition.pending
    ? 'finalize'
    : partition.defaultPartition === null
      ? 'concurrently'
      : 'plain';
  const drops = method === 'drop';
  const checks = holds.length > 0 || folder !== null;
  const check = checkSql(quoted, holds, folder !== null);
  const locked = ['BEGIN', `LOCK TABLE ${quoted} IN SHARE MODE`, check, `DROP TABLE ${quoted}`, 'COMMIT'];
  const exportSeconds = folder === null || sizeBytes === null ? 0 : Math.ceil((3 * sizeBytes) / exportBytesPerSecond);
  return {
    key: quoted,
    object: { kind: 'table', oid, schema: partition.schema, name: partition.name },
    statements: [detachSql(mode, parent, quoted), ...(drops ? (checks ? locked : [`DROP TABLE ${quoted}`]) : [])],
    lockMode: 'ACCESS EXCLUSIVE',
    sizeBytes,
    expectedSeconds: 1 + exportSeconds,
    reversible: !drops,
    cost: { action: 'retention', tempDiskBytes: 0, walBytes: null },
    data: {
      work: 'partition',
      // The DEFAULT partition, and so the whole table, is locked only without CONCURRENTLY.
      table_oid: mode === 'plain' ? parentOid : oid,
      partition_oid: oid,
      parent_oid: parentOid,
      parent,
      bound,
      upper: partition.upper,
      cutoff: cutoff.value,
      cutoff_at: cutoff.at,
      method,
      mode,
      drops,
      check: drops && checks ? check : null,
      held_sql: holds.length === 0 ? null : heldCountSql(quoted, holds),
      hold_parameters: holdParameters(holds),
      rows,
      rows_estimated: partition.estimatedRows,
      held: partition.held,
      attach_sql: attachSql(parent, quoted, bound),
      also_locks: partition.alsoLocks,
      export_to: drops ? folder : null,
      permitted: partition.permitted,
      grant: partition.grant,
      undo: drops
        ? 'A dropped partition cannot be brought back, but by a backup or its export.'
        : attachSql(parent, quoted, bound),
    },
  };
}

function detachSql(mode: DetachMode, parent: string, partition: string): string {
  const suffix = { concurrently: ' CONCURRENTLY', plain: '', finalize: ' FINALIZE' }[mode];
  return `ALTER TABLE ${parent} DETACH PARTITION ${partition}${suffix}`;
}

export function attachSql(parent: string, partition: string, bound: string): string {
  return `ALTER TABLE ${parent} ATTACH PARTITION ${partition} ${bound}`;
}
