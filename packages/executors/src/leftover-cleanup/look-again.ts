import { readUnusable } from '@slacktide/acting';
import type { StepOutcome } from '@slacktide/application/ports';
import type { Run, StepData } from './step-data.ts';

interface Now {
  readonly quoted: string;
  readonly valid: boolean;
}

const nowSql = `
SELECT format('%I.%I', n.nspname, x.relname) AS quoted, (i.indisvalid AND i.indisready AND i.indislive) AS valid
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace WHERE x.oid = $1::oid`;

/** The index by its OID as it is now; undefined = gone. */
export async function readNow({ observer }: Pick<Run, 'observer'>, oid: number): Promise<Now | undefined> {
  const [now] = await observer.query<Now>(nowSql, [oid]);
  return now;
}

/** Why it is not to be touched any more; null = it still is what it was found to be. */
export async function whyNot(run: Run, key: string, data: StepData): Promise<string | null> {
  const now = await readNow(run, data.oid);
  if (now === undefined) return 'gone';
  if (now.quoted !== key) return 'replaced_since_planned';
  if (now.valid) return 'valid_now';
  if (data.work === 'complete') return null;
  const unusable = await readUnusable(run.observer, data.table_oid, run.session.identity.pid);
  return unusable.some(({ oid, atWork }) => oid === data.oid && atWork) ? 'in_progress' : null;
}

export function skipped(reason: string): StepOutcome {
  return { kind: 'skipped', reason };
}
