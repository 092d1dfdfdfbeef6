import postgres from 'postgres';

/** The clock of one ledger, which a test moves while the machine's stays. */
export interface LedgerClock {
  /** Milliseconds that the ledger's clock is ahead of the machine's; negative = behind. Holds from the next transaction on, in every session. */
  move(aheadMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Takes the clock of a migrated ledger in hand: puts functions of its own before PostgreSQL's `now()` and
 * `clock_timestamp()`, for sessions opened from here on and for the defaults of columns. (A PostgreSQL under libfaketime
 * tells the moved time as well, but its timeouts no longer fire.)
 */
export async function holdLedgerClock(databaseUrl: string): Promise<LedgerClock> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  await sql.begin(async (tx) => {
    await tx.unsafe(`
      CREATE TABLE public.held_clock (ahead interval NOT NULL);
      INSERT INTO public.held_clock VALUES ('0');
      CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
        RETURN pg_catalog.now() + (SELECT ahead FROM public.held_clock);
      CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE SECURITY DEFINER
        RETURN pg_catalog.clock_timestamp() + (SELECT ahead FROM public.held_clock);
      DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
      END $$;
      SET LOCAL search_path = pg_catalog;`);
    const defaults = await tx<{ table: string; column: string; expression: string }[]>`
      SELECT attrelid::regclass::text AS table, quote_ident(attname) AS column, pg_get_expr(adbin, adrelid) AS expression
      FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
      JOIN pg_class ON pg_class.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND pg_get_expr(adbin, adrelid) ~ 'now\\(\\)|clock_timestamp\\(\\)'`;
    await tx`SET LOCAL search_path = public, pg_catalog`;
    for (const { table, column, expression } of defaults) {
      await tx.unsafe(`ALTER TABLE ${table} ALTER COLUMN ${column} SET DEFAULT ${expression}`);
    }
  });
  return {
    async move(aheadMs) {
      await sql`UPDATE public.held_clock SET ahead = ${`${aheadMs} milliseconds`}::interval`;
    },
    close: () => sql.end({ timeout: 5 }),
  };
}
