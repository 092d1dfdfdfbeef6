import type { LookContext, TargetReader } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import { type CheckReport, type FoundFinding, objectKey } from '@slacktide/domain';
import { lookWith } from '../run-check.ts';

/** What is wasted of a heap, which a table has one of and its TOAST table another. */
export interface WastedPart {
  /** Of its file. */
  readonly percent: number;
  readonly bytes: number;
  readonly sizeBytes: number;
  readonly mainly: 'dead_rows' | 'free_space';
  /** Dead rows that no VACUUM removes for now, and who keeps them; null = nobody is known to. */
  readonly held: string | null;
}

/** Null = not measured, too small to be, or there is no such part. */
export interface TableWaste {
  readonly heap: WastedPart | null;
  readonly toast: WastedPart | null;
}

type Looking = LookContext & { readonly observer: TargetReader; readonly signal: AbortSignal };

export interface Budget {
  readonly bloat_threshold: number;
  readonly min_size_mb: number;
  readonly max_read_mb: number;
}

/** Everything over the threshold, by the table's quoted name, and the report that says what could not be judged. */
export async function findWaste(
  look: Looking,
  { bloat_threshold, min_size_mb, max_read_mb }: Budget,
): Promise<{ readonly waste: ReadonlyMap<string, TableWaste>; readonly report: CheckReport }> {
  const report = await lookWith(tableBloat(), look, configOf({ bloat_threshold, min_size_mb, max_read_mb }));
  const waste = new Map<string, TableWaste>();
  for (const finding of report.findings) {
    const { table, part } = toPart(finding);
    const known = waste.get(table) ?? { heap: null, toast: null };
    waste.set(table, { ...known, [finding.object.kind === 'toast_table' ? 'toast' : 'heap']: part });
  }
  return { waste, report };
}

/** One table, whatever its waste. `toast` is the name of its TOAST table, without its schema; null = it has none. */
export async function measureWaste(
  look: Looking,
  { schema, name, toast }: { readonly schema: string; readonly name: string; readonly toast: string | null },
): Promise<TableWaste> {
  const measure = async (only: string): Promise<WastedPart | null> => {
    const config = configOf({ bloat_threshold: 0, min_size_mb: 0, max_read_mb: 0 });
    const { findings } = await lookWith(tableBloat(), look, config, only);
    const finding = findings.find(({ object }) => objectKey(object) === only);
    return finding === undefined ? null : toPart(finding).part;
  };
  return {
    heap: await measure(objectKey({ schema, name })),
    toast: toast === null ? null : await measure(objectKey({ schema: 'pg_toast', name: toast })),
  };
}

/** Whether any part is over the threshold; what is not measured is not. */
export function isOver({ heap, toast }: TableWaste, thresholdPercent: number): boolean {
  return [heap, toast].some((part) => part !== null && part.percent >= thresholdPercent && part.bytes > 0);
}

/** Of heap and TOAST together; null = neither is measured. */
export function wastePercent({ heap, toast }: TableWaste): number | null {
  const parts = [heap, toast].filter((part) => part !== null);
  const size = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (parts.length === 0) return null;
  return size === 0 ? 0 : Math.round((1000 * wasteBytes({ heap, toast })) / size) / 10;
}

export function wasteBytes({ heap, toast }: TableWaste): number {
  return (heap?.bytes ?? 0) + (toast?.bytes ?? 0);
}

function tableBloat(): (typeof checks)[number] {
  const check = checks.find(({ type }) => type.name === 'table_bloat');
  if (check === undefined) throw new Error('expected the check table_bloat');
  return check;
}

function configOf(budget: Budget) {
  return tableBloat().type.config.parse({ ...budget });
}

/** A fingerprint ends with the quoted name of the table, also that of a TOAST table. */
function toPart({ fingerprint, evidence, action }: FoundFinding): { table: string; part: WastedPart } {
  const [, what, table] = /^(?:table|toast)_(dead_rows|free_space):(.+)$/s.exec(fingerprint) ?? [];
  if (what === undefined || table === undefined) throw new Error(`expected waste of a table, got ${fingerprint}`);
  const mainly = what === 'dead_rows' ? 'dead_rows' : 'free_space';
  const obstacle = evidence['no_action_because'];
  return {
    table,
    part: {
      percent: Number(evidence['waste_percent']),
      bytes: Number(evidence['waste_bytes']),
      sizeBytes: Number(evidence['size_bytes']),
      mainly,
      held: mainly === 'dead_rows' && action === null && typeof obstacle === 'string' ? obstacle : null,
    },
  };
}
