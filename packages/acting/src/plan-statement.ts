import { TargetError, type TargetReader } from '@slacktide/application/ports';
import { z } from 'zod';
import { explainPrepared, searchPathSql } from './explain-prepared.ts';
import { mayRunForeignCode } from './safe-drop/foreign-code.ts';

/** What the planner says of a statement, for parameters nobody knows. */
export interface StatementPlan {
  readonly totalCost: number;
  readonly rows: number;
  /** Rows of the largest table that is read whole; 0 = none is. */
  readonly largestScanRows: number;
  readonly nestedLoops: number;
  readonly sorts: number;
  /** Kinds of its nodes, outermost first. */
  readonly nodes: readonly string[];
}

export type PlannedStatement =
  | { readonly kind: 'planned'; readonly plan: StatementPlan }
  /** `may_run_foreign_code`, or `not_plannable` with the SQLSTATE. */
  | { readonly kind: 'left_out'; readonly reason: string };

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Total Cost': number;
  readonly 'Plan Rows': number;
  readonly Plans?: readonly PlanNode[] | undefined;
}
const planNode: z.ZodType<PlanNode> = z.object({
  'Node Type': z.string(),
  'Total Cost': z.number(),
  'Plan Rows': z.number(),
  get Plans() {
    return z.array(planNode).optional();
  },
});
const explained = z.tuple([z.object({ Plan: planNode })]);

const preparedName = 'slacktide_planned';
/**
 * Has the server plan statements without running them, in a session that only reads, and leaves the session as it was. Texts are as pg_stat_statements has
 * them, or a person's; one that could have code of others run with our rights is left out.
 */
export async function planStatements(
  reader: TargetReader,
  texts: readonly string[],
): Promise<readonly PlannedStatement[]> {
  const planned: PlannedStatement[] = [];
  await reader.query(`SELECT pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false)`);
  try {
    for (const text of texts) planned.push(await planOne(reader, text));
  } finally {
    await reader.query(
      `SELECT pg_catalog.set_config('search_path', '', false), pg_catalog.set_config('plan_cache_mode', 'auto', false)`,
    );
  }
  return planned;
}

async function planOne(reader: TargetReader, text: string): Promise<PlannedStatement> {
  if (await mayRunForeignCode(reader, text, 0)) return { kind: 'left_out', reason: 'may_run_foreign_code' };
  await reader.query(searchPathSql, [null]);
  try {
    const explain = await explainPrepared(reader, preparedName, text, 'FORMAT JSON');
    const [answer] = await reader.query<{ 'QUERY PLAN': unknown }>(explain);
    return { kind: 'planned', plan: toStatementPlan(answer?.['QUERY PLAN']) };
  } catch (error) {
    // The server may quote the statement in what it says: the code has to do.
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    return { kind: 'left_out', reason: `not_plannable ${error.sqlState ?? error.code}` };
  } finally {
    await reader.query(`SELECT pg_catalog.set_config('search_path', '', false)`);
    await reader.query('DEALLOCATE ALL');
  }
}

/** What EXPLAIN (FORMAT JSON) returned. @throws ZodError for anything else */
export function toStatementPlan(json: unknown): StatementPlan {
  const [{ Plan: root }] = explained.parse(json);
  const nodes = flatten(root);
  const count = (kind: string): number => nodes.filter((node) => node['Node Type'].endsWith(kind)).length;
  const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan');
  return {
    totalCost: root['Total Cost'],
    rows: root['Plan Rows'],
    largestScanRows: Math.max(0, ...scans.map((node) => node['Plan Rows'])),
    nestedLoops: count('Nested Loop'),
    sorts: count('Sort'),
    nodes: nodes.map((node) => node['Node Type']),
  };
}

function flatten(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}
