import type { CheckReport, FoundFinding, SkippedObject, UnknownObject } from '@slacktide/domain';
import { judgeSlots, judgeStandbys } from './judge-holders.ts';
import { judgePrepared } from './judge-prepared.ts';
import { judgeSession, sessionName } from './judge-session.ts';
import type { OperationFacts } from './read.ts';
import type { StaleOperationConfig } from './schema.ts';

/** Judges every session of the database, its prepared transactions, and what else keeps its dead rows. */
export function judgeOperations(facts: OperationFacts, config: StaleOperationConfig): CheckReport {
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  const findings: FoundFinding[] = [];
  let checked = 0;
  const xminAges = new Map(
    facts.holders.flatMap(({ kind, pid, ageTransactions }) =>
      kind === 'session' && pid !== null ? [[pid, ageTransactions] as const] : [],
    ),
  );
  for (const session of facts.sessions) {
    const object = sessionName(session.pid);
    const verdict = judgeSession(session, { ...facts, xminAge: xminAges.get(session.pid) ?? null, config });
    if (verdict.kind === 'skipped') skipped.push({ object, reason: verdict.reason });
    else if (verdict.kind === 'unknown') unknown.push({ object, reason: verdict.reason, grant: verdict.grant });
    else checked += 1;
    if (verdict.kind === 'stale') findings.push(verdict.finding);
  }
  for (const judged of [
    ...judgePrepared(facts, config),
    ...judgeSlots(facts, config),
    ...judgeStandbys(facts, config),
  ]) {
    checked += 1;
    if (judged !== null) findings.push(judged);
  }
  return {
    check: 'stale_operation',
    checked,
    skipped,
    unknown,
    findings,
    unjudged: [],
    figures: {
      sessions: facts.sessions.length,
      active: facts.sessions.filter(({ state }) => state === 'active').length,
      idle_in_transaction: facts.sessions.filter(({ state }) => state?.startsWith('idle in')).length,
      prepared_transactions: facts.prepared.length,
      oldest_xmin_age_transactions: facts.holders.find(({ catalogOnly }) => !catalogOnly)?.ageTransactions ?? 0,
    },
  };
}
