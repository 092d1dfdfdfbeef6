import type { JsonObject } from '@slacktide/domain';
import type { Rig } from '../harness/rig.ts';
import type { RigTarget } from '../harness/rig-target.ts';
import { maintainer } from '../harness/servers.ts';

/** Where a fixture stands: a database of its own, and a folder that workers may touch. */
export interface ActSite {
  readonly rig: Rig;
  readonly target: RigTarget;
  readonly folder: string;
}

/** Work of one task type that a worker is killed at. */
export interface ActFixture {
  /** Task type, with a word more where a type has several. */
  readonly name: string;
  readonly type: string;
  /** Failpoints on its way besides those before and after a step, e.g. `remnant.recorded` or `unit.over@2`. */
  readonly points?: readonly string[];
  /** Makes what there is to do, whatever an earlier trial left; gives the configuration of the task, where `submit` is the default. */
  readonly prepare: (site: ActSite) => Promise<JsonObject>;
  /** Starts the work and gives its job. Default: a job of this one task. */
  readonly submit?: (site: ActSite) => Promise<string>;
  /** What is amiss on the target if the work was done once, as sentences; none = it was. */
  readonly amiss: (site: ActSite) => Promise<readonly string[]>;
  /** What must hold however the work ended, e.g. while a person is waited for. Default: nothing more. */
  readonly harmed?: (site: ActSite) => Promise<readonly string[]>;
}

/** Runs statements as the role that owns the fixture's objects, one after the other and each by itself. */
export async function asOwner({ target }: ActSite, ...statements: readonly string[]): Promise<void> {
  const client = await target.sql.connect();
  try {
    await client.query(`SET ROLE ${maintainer}`);
    for (const statement of statements) await client.query(statement);
  } finally {
    client.release(true);
  }
}

/** Rows of a query, as superuser. */
export async function rowsOf<T>({ target }: ActSite, text: string, values: readonly unknown[] = []): Promise<T[]> {
  const { rows } = await target.sql.query(text, [...values]);
  return rows;
}

/** The names of a query's column `name`, compared with what is expected, as a sentence when they differ. */
export async function namesAmiss(
  site: ActSite,
  what: string,
  text: string,
  expected: readonly string[],
): Promise<readonly string[]> {
  const names = (await rowsOf<{ name: string }>(site, text)).map(({ name }) => name).toSorted();
  const wanted = expected.toSorted();
  return names.join() === wanted.join() ? [] : [`${what}: expected ${wanted.join(', ')}, found ${names.join(', ')}`];
}

/** Indexes of a table, those that cannot be used with a word on it. */
export const indexesOf = (table: string): string =>
  `SELECT i.indexrelid::regclass || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' invalid' END AS name
   FROM pg_index i WHERE i.indrelid = '${table}'::regclass`;
