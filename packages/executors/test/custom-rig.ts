import type { JsonObject } from '@slacktide/domain';
import { inject, onTestFinished } from 'vitest';
import { createDatabase, type PostgresMajor } from '../../../test/support/postgres.ts';
import { custom } from '../src/custom/index.ts';
import { registered, withTemplates } from './custom-templates.ts';
import { openRig, type RigOptions, type RigRun } from './target-rig.ts';

/** What an admin registers. */
export type Content = Parameters<typeof registered>[0];

/** A database with tables to work on, and what runs version 1 of a template of the given content there. */
export async function setup(major: PostgresMajor) {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  onTestFinished(() => rig[Symbol.asyncDispose]());
  await rig.sql(`
    CREATE TABLE public.orders (id int PRIMARY KEY, note text, placed_at timestamptz DEFAULT now());
    INSERT INTO public.orders SELECT n, 'note ' || n, '2026-01-01'::timestamptz + n * interval '1 day' FROM generate_series(1, 200) AS n;
    CREATE TABLE public.archive (LIKE public.orders);
    CREATE INDEX orders_note ON public.orders (note);
    CREATE SEQUENCE public.s;
    CREATE FUNCTION public.log_it(int) RETURNS int LANGUAGE sql AS 'INSERT INTO public.archive (id) VALUES ($1) RETURNING id';
    CREATE TABLE public."we""ird; --" (id int)`);
  const configOf = (parameters: JsonObject) => ({ template: 'tidy', version: 1, parameters });
  /** Runs version 1 of a template of this content. */
  const run = (
    content: Content,
    parameters: JsonObject = {},
    options: RigOptions & { config?: JsonObject } = {},
  ): Promise<RigRun> =>
    rig.run(
      custom,
      { ...configOf(parameters), ...options.config },
      { context: withTemplates(registered(content)), ...options },
    );
  const plan = (content: Content, parameters: JsonObject = {}): Promise<RigRun> =>
    rig.plan(custom, configOf(parameters), { context: withTemplates(registered(content)) });
  const count = async (what: string): Promise<number> =>
    (await rig.sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${what}`))[0]?.n ?? -1;
  return { rig, run, plan, count };
}
