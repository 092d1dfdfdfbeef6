import type { TargetReader } from '@slacktide/application/ports';
import type { SecurityFacts } from './facts.ts';
import { readHba } from './read-hba.ts';
import { readRls } from './read-rls.ts';
import { readRoles } from './read-roles.ts';
import { readRoutines } from './read-routines.ts';

/** Everything that is judged, in a handful of statements. */
export async function readSecurityFacts(reader: TargetReader): Promise<SecurityFacts> {
  return {
    majorVersion: Math.trunc(reader.serverVersion / 10_000),
    ...(await readRoles(reader)),
    hba: await readHba(reader),
    ...(await readRoutines(reader)),
    ...(await readRls(reader)),
  };
}
