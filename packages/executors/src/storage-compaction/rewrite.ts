import type { CompactionFacts } from './facts.ts';
import type { StorageCompactionConfig } from './schema.ts';
import { type CompactTable, totalBytes } from './tables.ts';

/** How a table is rewritten, or why it is not. */
export type Rewrite =
  | { readonly method: 'pg_repack'; readonly args: readonly string[] }
  | { readonly method: 'vacuum_full'; readonly statement: string }
  | { readonly method: null; readonly reason: string };

/** A rewrite needs the table once more, and its log and the copy's indexes besides. */
const neededTimes = 2;
const mebibyte = 1024 * 1024;

type Facts = Pick<CompactionFacts, 'named' | 'repack' | 'freeBytes' | 'past'>;

/** The gentlest way that is allowed and possible. Pure. */
export function rewriteFor(table: CompactTable, facts: Facts, config: StorageCompactionConfig): Rewrite {
  if (config.method === 'vacuum') return { method: null, reason: 'method is vacuum' };
  const forbidden = whyNoRewrite(table, facts, config);
  if (forbidden !== null) return { method: null, reason: forbidden };
  const repack = whyNoRepack(table, facts);
  const full = whyNoFull(table, config);
  switch (config.method) {
    case 'pg_repack':
      return repack === null ? asRepack(table, config) : { method: null, reason: repack };
    case 'vacuum_full':
      return full === null ? asFull(table) : { method: null, reason: full };
    case 'auto':
      if (repack === null) return asRepack(table, config);
      return full === null ? asFull(table) : { method: null, reason: `${repack}; ${full}` };
  }
}

/** As a person would type it. */
export function commandLine(args: readonly string[]): string {
  return [
    'pg_repack',
    ...args.map((arg) => (/^[\w=.,:/-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`)),
  ].join(' ');
}

function asFull({ quoted }: CompactTable): Rewrite {
  return { method: 'vacuum_full', statement: `VACUUM (FULL) ${quoted}` };
}

/** `--no-kill-backend`: without it pg_repack cancels, then terminates, whoever holds a lock on the table. */
function asRepack({ quoted }: CompactTable, { lock_timeout_seconds }: StorageCompactionConfig): Rewrite {
  return {
    method: 'pg_repack',
    args: [
      '--no-kill-backend',
      `--wait-timeout=${lock_timeout_seconds}`,
      '--no-order',
      '--no-password',
      `--table=${quoted}`,
    ],
  };
}

function whyNoRewrite(table: CompactTable, facts: Facts, config: StorageCompactionConfig): string | null {
  const days = facts.past.get(table.quoted)?.daysSinceRewrite ?? null;
  if (!facts.named && days !== null && days < config.min_days_between_rewrites) return 'rewritten_recently';
  const bytes = totalBytes(table);
  if (facts.freeBytes === null || bytes === null || facts.freeBytes >= neededTimes * bytes) return null;
  return `not_enough_disk: ${inMib(facts.freeBytes)} MiB are free, a rewrite may need ${inMib(neededTimes * bytes)}`;
}

function whyNoRepack(table: CompactTable, { repack }: Facts): string | null {
  const { extensionVersion, programVersion, superuser, publicationForAll } = repack;
  if (extensionVersion === null) return 'pg_repack_extension_missing';
  if (programVersion === null) return 'pg_repack_program_missing';
  // It refuses to work with another version of itself.
  if (programVersion !== extensionVersion) {
    return `pg_repack_versions_differ: the program is ${programVersion}, the extension ${extensionVersion}`;
  }
  if (!superuser) return 'pg_repack_needs_superuser';
  if (publicationForAll !== null) return `pg_repack_publication_for_all_tables: ${publicationForAll}`;
  if (table.relkind !== 'r' || !table.logged) return 'pg_repack_only_for_logged_tables';
  if (!table.hasKey) return 'pg_repack_needs_a_key';
  if (table.invalidIndexes.length > 0) return `pg_repack_invalid_index: ${table.invalidIndexes.join(', ')}`;
  return table.repackObjects.length > 0 ? `pg_repack_leftover: ${table.repackObjects.join(', ')}` : null;
}

function whyNoFull(table: CompactTable, { allow_full, max_full_mb }: StorageCompactionConfig): string | null {
  if (!allow_full) return 'vacuum_full_not_allowed';
  const bytes = totalBytes(table);
  if (bytes === null) return 'vacuum_full_size_unknown';
  return bytes > max_full_mb * mebibyte ? `over_max_full_mb: ${inMib(bytes)}` : null;
}

function inMib(bytes: number): number {
  return Math.round(bytes / mebibyte);
}
