import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { CompactionFacts } from './facts.ts';
import { commandLine, type Rewrite, rewriteFor } from './rewrite.ts';
import type { StorageCompactionConfig } from './schema.ts';
import { type CompactTable, totalBytes } from './tables.ts';
import { type TableWaste, type WastedPart, wasteBytes, wastePercent } from './waste.ts';

/** A slow cloud disk, with others at work: an estimate should rather be too long. */
const bytesPerSecond = 50 * 1024 * 1024;
/** A rewrite reads everything, writes it anew and builds every index. */
const rewritePasses = 3;
const skipDatabaseStatsSince = 160_000;

type Verdict =
  | { readonly kind: 'compact'; readonly table: CompactTable; readonly vacuums: boolean; readonly rewrite: Rewrite }
  | { readonly kind: 'skip'; readonly object: string; readonly reason: string }
  | { readonly kind: 'unknown'; readonly object: string; readonly grant: string | null };

const unmeasured: TableWaste = { heap: null, toast: null };

/**
 * Facts → one step per table: a VACUUM, and the rewrite that comes after it where it was not enough. Named tables: all. Else those over the threshold,
 * the largest waste first. Pure.
 */
export function planCompaction(facts: CompactionFacts, config: StorageCompactionConfig): Plan {
  const bytesOf = ({ quoted }: CompactTable): number => wasteBytes(facts.waste.get(quoted) ?? unmeasured);
  const ordered = facts.named ? facts.tables : facts.tables.toSorted((a, b) => bytesOf(b) - bytesOf(a));
  const verdicts = ordered.map((table) => judge(table, facts, config));
  const due = verdicts.flatMap((verdict) => (verdict.kind === 'compact' ? [verdict] : []));
  const chosen = facts.named ? due : due.slice(0, config.max_tables);
  const { checked, skipped, unknown, unjudged } = facts.judged;
  const noTurn = unjudged === 'all' ? [] : unjudged;
  return {
    steps: chosen.map((verdict) => toStep(verdict, facts, config)),
    checked,
    skipped: [
      ...skipped,
      ...noTurn.map((object) => ({ object, reason: 'over_max_read_mb' })),
      ...verdicts.flatMap((verdict) =>
        verdict.kind === 'skip' ? [{ object: verdict.object, reason: verdict.reason }] : [],
      ),
      ...due.slice(chosen.length).map(({ table }) => ({ object: table.quoted, reason: 'over_max_tables' })),
    ],
    unknown: [
      ...unknown,
      ...verdicts.flatMap((verdict) => {
        if (verdict.kind === 'unknown') {
          return [{ object: verdict.object, reason: 'insufficient_privilege', grant: verdict.grant }];
        }
        // A named table without the right stays in the plan, to fail: the caller asked for it.
        if (verdict.kind !== 'compact' || verdict.table.permitted) return [];
        return [{ object: verdict.table.quoted, reason: 'insufficient_privilege', grant: verdict.table.grant }];
      }),
    ],
  };
}

function judge(table: CompactTable, facts: CompactionFacts, config: StorageCompactionConfig): Verdict {
  const object = table.quoted;
  const skip = (reason: string): Verdict => ({ kind: 'skip', object, reason });
  const rewrite = rewriteFor(table, facts, config);
  const vacuums = config.method === 'auto' || config.method === 'vacuum';
  if (!vacuums && rewrite.method === null) return skip(rewrite.reason);
  if (facts.named) return { kind: 'compact', table, vacuums, rewrite };
  if (!table.permitted) return { kind: 'unknown', object, grant: table.grant };
  const waste = facts.waste.get(table.quoted) ?? unmeasured;
  const held = [waste.heap, waste.toast].find((part) => part?.held != null)?.held;
  if (held != null) return skip(`xmin_held: ${held}`);
  if (rewrite.method === null && !vacuumMayHelp(table, waste, facts)) {
    return skip(`only_a_rewrite_would_help: ${rewrite.reason}`);
  }
  return { kind: 'compact', table, vacuums, rewrite };
}

/** Not when there are hardly any dead rows, and the last one of ours left the table as large as it is. */
function vacuumMayHelp(table: CompactTable, { heap, toast }: TableWaste, { past }: CompactionFacts): boolean {
  if ([heap, toast].some((part) => part?.mainly === 'dead_rows')) return true;
  const before = past.get(table.quoted)?.vacuumedToBytes ?? null;
  return before === null || before !== totalBytes(table);
}

/** INDEX_CLEANUP ON: pages whose rows are still in an index cannot be given back. */
export function vacuumStatement(quoted: string, serverVersion: number): string {
  const skipDatabaseStats = serverVersion >= skipDatabaseStatsSince ? ', SKIP_DATABASE_STATS' : '';
  return `VACUUM (TRUNCATE TRUE, INDEX_CLEANUP ON${skipDatabaseStats}) ${quoted}`;
}

function toStep(
  { table, vacuums, rewrite }: Extract<Verdict, { kind: 'compact' }>,
  facts: CompactionFacts,
  config: StorageCompactionConfig,
): PlannedStep {
  const waste = facts.waste.get(table.quoted) ?? unmeasured;
  const vacuum = vacuums ? vacuumStatement(table.quoted, facts.serverVersion) : null;
  const bytes = totalBytes(table);
  const passes = (vacuum === null ? 0 : 1) + (rewrite.method === null ? 0 : rewritePasses);
  const rewriteBytes = rewrite.method === null ? 0 : bytes;
  return {
    key: table.quoted,
    object: { kind: 'table', oid: table.oid, schema: table.schema, name: table.name },
    statements: [...(vacuum === null ? [] : [vacuum]), ...rewriteText(rewrite)],
    lockMode: rewrite.method === null ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE',
    sizeBytes: bytes,
    expectedSeconds: bytes === null ? null : Math.ceil((bytes * passes) / bytesPerSecond),
    reversible: false,
    cost: { action: actionOf(rewrite), tempDiskBytes: rewriteBytes, walBytes: rewriteBytes },
    data: {
      table_oid: table.oid,
      reason: facts.named ? 'named' : 'waste',
      vacuum,
      rewrite: rewrite.method,
      rewrite_only_over_percent: vacuum !== null && rewrite.method !== null ? config.bloat_threshold : null,
      rewrite_args: rewrite.method === 'pg_repack' ? [...rewrite.args] : null,
      no_rewrite_because: rewrite.method === null ? rewrite.reason : null,
      waste_percent: wastePercent(waste),
      waste_bytes: wasteBytes(waste),
      heap: partJson(waste.heap),
      toast: partJson(waste.toast),
      free_disk_bytes: facts.freeBytes,
    },
  };
}

function rewriteText(rewrite: Rewrite): string[] {
  if (rewrite.method === null) return [];
  return [rewrite.method === 'vacuum_full' ? rewrite.statement : commandLine(rewrite.args)];
}

function actionOf({ method }: Rewrite): 'vacuum' | 'vacuum_full' | 'repack' {
  if (method === null) return 'vacuum';
  return method === 'pg_repack' ? 'repack' : 'vacuum_full';
}

function partJson(part: WastedPart | null): JsonObject | null {
  if (part === null) return null;
  return { waste_percent: part.percent, waste_bytes: part.bytes, size_bytes: part.sizeBytes, mainly: part.mainly };
}
