import { type StepOutcome, type StepRun, TargetError, type TargetReader } from '@slacktide/application/ports';

/** Looks at the standby of that name. One that does not answer, or is gone from the target, is no failure: nothing is known of it. */
export async function onStandby(
  run: Pick<StepRun<unknown>, 'standbys'>,
  name: string,
  look: (standby: TargetReader) => Promise<StepOutcome>,
): Promise<StepOutcome> {
  const standby = run.standbys.find((each) => each.name === name);
  if (standby === undefined) return { kind: 'skipped', reason: 'standby_not_registered' };
  try {
    return await standby.read(look);
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'cancelled') throw error;
    return { kind: 'skipped', reason: error.code, result: { message: error.message } };
  }
}

/** Whether the relation of that OID is called so there; on a standby that lags, it may not be there yet. */
export async function isThere(standby: TargetReader, oid: number, quoted: string): Promise<boolean> {
  const [row] = await standby.query<{ quoted: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS quoted FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`,
    [oid],
  );
  return row?.quoted === quoted;
}
