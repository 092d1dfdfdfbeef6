import { type FoundFinding, type JsonObject, objectKey } from '@slacktide/domain';
import type { XminHolder } from '@slacktide/targets';
import { byteText } from '../catalogue/byte-text.ts';
import type { TableRow } from './read.ts';
import type { HeapFigures, Waste } from './waste.ts';

/** What decides what can be done about waste, besides the table itself. */
export interface Surroundings {
  readonly inRecovery: boolean;
  /** Who keeps dead rows from being removed, the oldest; null = nobody. */
  readonly oldestHolder: XminHolder | null;
  readonly rewriters: readonly string[];
}

/** Mostly dead rows: VACUUM makes them free space. */
export function deadRowsFinding(
  table: TableRow,
  figures: HeapFigures,
  waste: Waste,
  { inRecovery, oldestHolder }: Surroundings,
): FoundFinding {
  const obstacle = inRecovery ? 'the server is a standby' : keptBy(oldestHolder, table);
  return {
    fingerprint: `${prefixOf(table)}_dead_rows:${table.quoted}`,
    severity: 'warning',
    object: objectOf(table),
    summary: `${titleOf(table)} wastes ${waste.percent} % of its ${byteText(figures.sizeBytes)}, mainly on ${figures.deadRows} dead rows${
      obstacle === null ? '' : `: ${obstacle}`
    }`,
    evidence: {
      ...evidenceOf(table, figures, waste),
      ...(oldestHolder === null ? {} : { oldest_holder: holderEvidence(oldestHolder) }),
      ...(obstacle === null ? {} : { no_action_because: obstacle }),
    },
    action:
      obstacle === null
        ? { sql: [table.vacuumSql], rollbackSql: [], lockMode: 'SHARE UPDATE EXCLUSIVE', class: 'idempotent' }
        : null,
  };
}

/** Mostly free space: new rows use it again, and only a rewrite gives it back. */
export function freeSpaceFinding(
  table: TableRow,
  figures: HeapFigures,
  waste: Waste,
  { rewriters }: Surroundings,
): FoundFinding {
  return {
    fingerprint: `${prefixOf(table)}_free_space:${table.quoted}`,
    severity: 'info',
    object: objectOf(table),
    summary: `${titleOf(table)} has ${waste.percent} % of its ${byteText(figures.sizeBytes)} to spare, mainly free space: ${byteText(waste.bytes)}`,
    evidence: {
      ...evidenceOf(table, figures, waste),
      options: optionsFor(Math.round(figures.sizeBytes - waste.bytes), rewriters),
      no_action_because: 'new rows use the free space again, and only a rewrite of the table gives it back',
    },
    action: null,
  };
}

/** Their costs, the gentlest first. */
function optionsFor(neededBytes: number, rewriters: readonly string[]): JsonObject[] {
  return [
    { how: 'nothing', cost: 'the space stays allocated, and is used again' },
    {
      how: 'pg_repack or pg_squeeze',
      installed: [...rewriters],
      cost: 'a copy of the table and its indexes, a primary or unique key, and ACCESS EXCLUSIVE for moments',
      needed_bytes: neededBytes,
    },
    {
      how: 'VACUUM FULL',
      cost: 'a copy of the table and its indexes, and ACCESS EXCLUSIVE until it is done: nobody reads or writes',
      needed_bytes: neededBytes,
    },
  ];
}

/** A holder that was there before the last VACUUM is why that one left the rows; another one would leave them too. */
function keptBy(holder: XminHolder | null, { secondsSinceVacuum }: TableRow): string | null {
  if (holder === null || holder.transactionAgeSeconds === null || secondsSinceVacuum === null) return null;
  return holder.transactionAgeSeconds > secondsSinceVacuum
    ? `${holderName(holder)} keeps VACUUM from removing them, as it did the last time`
    : null;
}

function holderName({ kind, pid, name, user }: XminHolder): string {
  const who = kind.replaceAll('_', ' ');
  if (pid === null) return `${who} ${name}`;
  return `${who} ${pid}${user === null ? '' : ` of ${user}`}`;
}

function holderEvidence(holder: XminHolder): JsonObject {
  return {
    kind: holder.kind,
    name: holder.name,
    pid: holder.pid,
    user: holder.user,
    application_name: holder.applicationName,
    state: holder.state,
    transaction_age_seconds: holder.transactionAgeSeconds === null ? null : Math.round(holder.transactionAgeSeconds),
    age_transactions: holder.ageTransactions,
  };
}

function evidenceOf(table: TableRow, figures: HeapFigures, waste: Waste): JsonObject {
  return {
    waste_percent: waste.percent,
    waste_bytes: waste.bytes,
    size_bytes: figures.sizeBytes,
    dead_percent: rounded(figures.deadPercent),
    dead_rows: figures.deadRows,
    live_rows: figures.liveRows,
    free_percent: rounded(figures.freePercent),
    excess_free_percent: waste.excessFreePercent,
    fillfactor: figures.fillfactor,
    scanned_percent: figures.scannedPercent,
    last_vacuum: table.lastVacuum,
    ...(table.kind === 'toast_table' ? { toast_of: table.quoted } : {}),
  };
}

function objectOf({ kind, schema, name }: TableRow): FoundFinding['object'] {
  return { kind, schema, name, table: null };
}

/** The name of a TOAST table is made of an OID: fingerprints go by the table it belongs to. */
function prefixOf({ kind }: TableRow): string {
  return kind === 'toast_table' ? 'toast' : 'table';
}

function titleOf(table: TableRow): string {
  switch (table.kind) {
    case 'toast_table':
      return `TOAST table ${objectKey(table)} of ${table.quoted}`;
    case 'matview':
      return `Materialized view ${objectKey(table)}`;
    case 'table':
      return `Table ${objectKey(table)}`;
  }
}

function rounded(percent: number): number {
  return Math.round(percent * 10) / 10;
}
