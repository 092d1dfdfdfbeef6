import type { ConfigProblem, TargetReader } from '@slacktide/application/ports';
import type { Count, Counter } from './counting.ts';
import { type FanOut, reachesOut, readFanOut } from './foreign-keys.ts';
import { heldSql, holdParameters } from './holds.ts';
import { type LeafRow, readLeaves } from './leaves.ts';
import type { ResolvedRule } from './rule-facts.ts';
import type { RetentionConfig } from './schema.ts';
import { goingSql } from './statements.ts';

/** A table rows may have to be deleted from, and all that follows from it. */
export interface LeafFacts extends LeafRow {
  readonly fanOut: readonly FanOut[];
  /** Rows that would go: expired, neither on hold nor still referred to. */
  readonly rows: Count;
  /** Expired rows on hold. */
  readonly held: Count;
}

export interface DeleteFacts {
  readonly kind: 'delete';
  readonly leaves: readonly LeafFacts[];
}

/** Reads what deleting by this rule would do; what the configuration does not allow is refused. */
export async function readDeleteFacts(
  reader: TargetReader,
  resolved: ResolvedRule,
  config: RetentionConfig,
  counter: Counter,
): Promise<DeleteFacts | { readonly problems: readonly ConfigProblem[] }> {
  const { rule, table, pointer } = resolved;
  const leaves: LeafFacts[] = [];
  const problems = new Map<string, ConfigProblem>();
  const refuse = (key: string, code: string, detail: string): void =>
    void problems.set(code, { pointer: `${pointer}${key}`, code, detail });
  for (const row of await readLeaves(reader, table.oid, rule.column)) {
    const leaf = await readLeaf(reader, row, resolved, config.dry_counts ? counter : null);
    leaves.push(leaf);
    const { quoted, fanOut } = leaf;
    if (leaf.hasDeleteRule) refuse('/table', 'delete_rule', `A rule changes what DELETE does on ${quoted}.`);
    if (leaf.rowSecurity)
      refuse(
        '/table',
        'row_security',
        `Policies hide rows of ${quoted} from our role; it needs BYPASSRLS, or to own the table.`,
      );
    if (!leaf.indexed && !rule.allow_scan)
      refuse(
        '/allow_scan',
        'no_index',
        `No index of ${quoted} leads with ${resolved.axis.column}: every batch would read all of it.`,
      );
    const unindexed = fanOut.filter(({ indexed }) => !indexed);
    if (unindexed.length > 0 && !rule.allow_scan)
      refuse(
        '/allow_scan',
        'fk_without_index',
        `Every deleted row would read all of a referencing table: ${unindexed.map(words).join('; ')}.`,
      );
    const reached = fanOut.filter(reachesOut);
    if (reached.length === 0) continue;
    if (config.cascade === 'refuse')
      refuse(
        '/cascade',
        'would_cascade',
        `Deleting ${rowsWords(leaf.rows)} of ${quoted} reaches other tables: ${reached.map(words).join('; ')}.`,
      );
    else if (rule.export_to !== null)
      refuse(
        '/export_to',
        'cascade_not_exported',
        `Rows of other tables would go without being exported: ${reached.map(words).join('; ')}.`,
      );
  }
  if (problems.size > 0) return { problems: [...problems.values()].map((problem) => atRoot(problem, pointer)) };
  return { kind: 'delete', leaves };
}

/** `cascade` is no key of a rule. */
function atRoot(problem: ConfigProblem, pointer: string): ConfigProblem {
  return problem.pointer === `${pointer}/cascade` ? { ...problem, pointer: '/cascade' } : problem;
}

async function readLeaf(
  reader: TargetReader,
  row: LeafRow,
  { axis, cutoff, holds }: ResolvedRule,
  counter: Counter | null,
): Promise<LeafFacts> {
  if (row.relkind !== 'r') return { ...row, fanOut: [], rows: null, held: null };
  const parameters = [cutoff.value, ...holdParameters(holds)];
  const expired = goingSql({ axis, holds, foreignKeys: [] }, 't0');
  const only = `ONLY ${row.quoted}`;
  const fanOut = await readFanOut(reader, row.oid, { from: only, condition: expired, parameters }, counter);
  const count = (condition: string): Promise<Count> | null =>
    counter === null
      ? null
      : counter.count(`SELECT count(*)::float8 AS rows FROM ${only} AS t WHERE ${condition}`, parameters);
  const first = fanOut.filter(({ depth }) => depth === 1);
  const rows = await count(goingSql({ axis, holds, foreignKeys: first }, 't'));
  const held =
    holds.length === 0 ? 0 : await count(`t.${axis.column} < $1::${axis.type} AND (${heldSql(holds, 't', 2)})`);
  return { ...row, fanOut, rows, held };
}

function words({ table, constraint, onDelete, rows, indexed }: FanOut): string {
  return `${table} (${constraint}, ON DELETE ${onDelete}${indexed ? '' : ', no index'}${rows === null ? '' : `, ${rowsWords(rows)}`})`;
}

function rowsWords(rows: Count): string {
  return typeof rows === 'number' ? `${rows} rows` : 'an unknown number of rows';
}
