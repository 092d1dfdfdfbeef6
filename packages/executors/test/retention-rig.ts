import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'libpg-query';
import { expect, inject, onTestFinished } from 'vitest';
import { noContext } from '../../../test/support/no-context.ts';
import { createDatabase, type PostgresMajor } from '../../../test/support/postgres.ts';
import { retentionEnforcement } from '../src/retention-enforcement/index.ts';
import type { RetentionRule } from '../src/retention-enforcement/schema.ts';
import { openRig, type TargetRig } from './target-rig.ts';

/** A database of the running test's own with these statements run in it. */
export async function rigWith(major: PostgresMajor, statements: readonly string[]): Promise<TargetRig> {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(statements.join(';\n'));
  return rig;
}

/** A folder of the running test's own, and a context that allows it. */
export async function exportRoot() {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'export-')));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return { root, context: { ...noContext, fileRoots: [root] } };
}

/** The instant so many days ago, as SQL writes it. */
export function daysAgo(days: number, zone = '+00'): string {
  const text = new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 19).replace('T', ' ');
  return `${text}${zone}`;
}

/** A rule that keeps thirty days. */
export const rule = (rest: Partial<RetentionRule>): RetentionRule => ({ keep_days: 30, ...rest }) as RetentionRule;

/** Does something right before the step detaches: after all its looks. */
export function sneaking(sneak: () => Promise<unknown>): typeof retentionEnforcement {
  return {
    ...retentionEnforcement,
    runStep: (step, run) =>
      retentionEnforcement.runStep(step, {
        ...run,
        rollbackPoint: async (point) => {
          await sneak();
          return await run.rollbackPoint(point);
        },
      }),
  };
}

/** Tables of schema public, and how they hang together: `name`, `name attached`, `name pending`. */
export async function tables(rig: TargetRig): Promise<string[]> {
  const rows = await rig.sql<{ name: string }>(
    `SELECT c.relname || CASE WHEN i.inhrelid IS NULL THEN '' WHEN i.inhdetachpending THEN ' pending' ELSE ' attached' END AS name
     FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** Fails the test unless each text is exactly one statement; tells their kinds. */
export async function kinds(statements: readonly string[]): Promise<string[]> {
  const parsed = await Promise.all(statements.map(async (text) => (await parse(text)).stmts ?? []));
  for (const stmts of parsed) expect(stmts).toHaveLength(1);
  return parsed.map(([first]) => Object.keys(first?.stmt ?? {})[0] ?? '');
}

/** How many rows a table has. */
export async function countOf(rig: TargetRig, table: string): Promise<number> {
  return (await rig.sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n ?? -1;
}
