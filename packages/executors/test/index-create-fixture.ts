import type { PlannedStep, StepOutcome } from '@slacktide/application/ports';
import { parse } from 'libpg-query';
import { expect, inject } from 'vitest';
import { createDatabase, type PostgresMajor } from '../../../test/support/postgres.ts';
import { indexCreate } from '../src/index-create/index.ts';
import type { IndexCreateConfig } from '../src/index-create/schema.ts';
import { openRig, type RigOptions, type TargetRig } from './target-rig.ts';

export const hostile = `"we""ird; --"."it's"`;

/** Leaves have their columns in another order and places of dropped ones; one is partitioned again, one in another schema. */
const fixture = `
CREATE SCHEMA "we""ird; --";
CREATE TABLE ${hostile} ("a; --" int, "B" text, c int[], d json, e varchar(20), PRIMARY KEY ("a; --"));
INSERT INTO ${hostile} SELECT n, 'x' || n, ARRAY[n], '{}', 'y' FROM generate_series(1, 1000) AS n;
CREATE TABLE parted (id int NOT NULL, at int NOT NULL, note text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE "we""ird; --"."part "" 2" (gone int, note text, at int NOT NULL, id int NOT NULL);
ALTER TABLE "we""ird; --"."part "" 2" DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION "we""ird; --"."part "" 2" FOR VALUES FROM (100) TO (200);
CREATE TABLE branch PARTITION OF parted FOR VALUES FROM (200) TO (300) PARTITION BY RANGE (at);
CREATE TABLE twig PARTITION OF branch FOR VALUES FROM (0) TO (100);
INSERT INTO parted SELECT n, n % 100, 'n' FROM generate_series(0, 299) AS n`;

export async function setup(major: PostgresMajor, more = ''): Promise<TargetRig> {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(`${fixture}; ${more}`);
  return rig;
}

export type Given = Partial<IndexCreateConfig>;
export const on = (table: string, ...names: string[]): Given => ({ table, columns: names.map((name) => column(name)) });
export const column = (name: string, more: object = {}) =>
  ({ name, order: 'asc', nulls: null, opclass: null, ...more }) as IndexCreateConfig['columns'][number];

export const create = (rig: TargetRig, config: Given, options: RigOptions = {}) =>
  rig.run(indexCreate, config, options);

export async function indexesOf(rig: TargetRig, table: string): Promise<string[]> {
  const rows = await rig.sql<{ name: string }>(
    `SELECT indexrelid::regclass || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name FROM pg_index WHERE indrelid = $1::regclass
     ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

export const definition = async (rig: TargetRig, index: string): Promise<string | undefined> =>
  (await rig.sql<{ def: string }>('SELECT pg_get_indexdef($1::regclass) AS def', [index]))[0]?.def;

export const kinds = (steps: readonly { outcome: StepOutcome }[]): string[] => steps.map(({ outcome }) => outcome.kind);

/** Each is one statement about an index, and names nothing but the tree. */
export async function everyStatementIsOne(steps: readonly PlannedStep[]): Promise<string[]> {
  const found: string[] = [];
  for (const statement of steps.flatMap(({ statements }) => statements)) {
    const { stmts = [] } = await parse(statement);
    expect(stmts, statement).toHaveLength(1);
    found.push(...Object.keys(stmts[0]?.stmt ?? {}));
  }
  return [...new Set(found)].toSorted();
}
