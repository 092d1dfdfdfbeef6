import { parse } from 'libpg-query';
import type { WitnessedStatement } from '../server-log.ts';
import type { Invariant } from './evidence.ts';

/** Limits that every session of ours begins with. */
const limits = 'lock_timeout|statement_timeout|idle_session_timeout|idle_in_transaction_session_timeout';
const liftsLimit = new RegExp(`^SET (?:LOCAL |SESSION )?(?:${limits}) (?:=|TO) '?0|^RESET ALL$|^DISCARD `, 'i');

/** I10: whatever we send to a target is one statement (or none, to see whether it answers), by PostgreSQL's own parser, and none lifts a limit of its session. */
export const statementsAreSafe: Invariant = ({ rig }) => findUnsafe(rig.witness());

/** What is amiss with these statements, a sentence each. */
export async function findUnsafe(statements: readonly WitnessedStatement[]): Promise<readonly string[]> {
  const violations: string[] = [];
  for (const [text, [{ applicationName } = { applicationName: '' }]] of Map.groupBy(
    statements,
    (each) => each.statement,
  )) {
    if (liftsLimit.test(text)) violations.push(`${applicationName} lifts a limit: ${text}`);
    if (text === '') continue;
    const count = await parse(text).then(
      ({ stmts }) => stmts?.length ?? 0,
      () => 'no',
    );
    if (count !== 1) violations.push(`${applicationName} sent ${count} statements as one: ${text.slice(0, 300)}`);
  }
  return violations;
}
