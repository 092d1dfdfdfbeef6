import type { Sample } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { indexWastePercent, tableWastePercent } from './waste.ts';

/** What a step reads; kept in its data. */
export const readNames = ['database', 'activity', 'tables', 'indexes', 'table_bloat', 'index_bloat'] as const;
export type ReadName = (typeof readNames)[number];

export function isReadName(value: unknown): value is ReadName {
  return readNames.some((name) => name === value);
}

/** One row of a read → samples. Rows of many objects name theirs in `object`; a measurement is of the step's own. */
export function toSamples(read: ReadName, row: JsonObject, measured: string): readonly Sample[] {
  switch (read) {
    case 'database':
      return databaseSamples(row);
    case 'activity':
      return [{ metric: 'activity', object: null, values: row }];
    case 'tables':
      return [objectSample('table', row)];
    case 'indexes':
      return [objectSample('index', row)];
    case 'table_bloat':
      return [{ metric: read, object: measured, values: { ...row, waste_percent: tableWastePercent(row) } }];
    case 'index_bloat':
      return [{ metric: read, object: measured, values: { ...row, waste_percent: indexWastePercent(row) } }];
  }
}

function objectSample(metric: string, { object = null, locked: _, ...values }: JsonObject): Sample {
  return { metric, object: object === null ? null : String(object), values };
}

const transactionIdKeys = ['xid_age', 'multixact_age', 'cluster_xid_age', 'freeze_max_age'];

function databaseSamples({ size_bytes = null, ...row }: JsonObject): readonly Sample[] {
  const ids = Object.entries(row).filter(([key]) => transactionIdKeys.includes(key));
  const counters = Object.entries(row).filter(([key]) => !transactionIdKeys.includes(key));
  return [
    { metric: 'database_size', object: null, values: { size_bytes } },
    { metric: 'transaction_ids', object: null, values: Object.fromEntries(ids) },
    { metric: 'database_counters', object: null, values: Object.fromEntries(counters) },
  ];
}
