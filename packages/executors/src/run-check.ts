import { type StepRun, TargetError } from '@slacktide/application/ports';
import type { Check } from '@slacktide/checks';
import type { CheckReport, JsonObject } from '@slacktide/domain';

/** The target refused a look: that is not known, and no reason to fail. */
const refusals: readonly TargetError['code'][] = ['insufficient_privilege', 'lock_timeout', 'statement_timeout'];

/** Runs one check and has the ledger keep what it found. */
export async function runCheck<Config>(check: Check, run: StepRun<Config>, config: JsonObject): Promise<CheckReport> {
  const report = await lookWith(check, run, config);
  await run.report(report, config);
  return report;
}

/** Runs one check and keeps nothing. `only` = judge at least this object (`objectKey`). */
export async function lookWith(
  check: Check,
  run: Pick<StepRun<unknown>, 'observer' | 'memory' | 'standbys' | 'signal'>,
  config: JsonObject,
  only?: string,
): Promise<CheckReport> {
  const { observer: reader, memory, standbys, signal } = run;
  const look = { reader, memory, standbys, signal, now: await memory.now(), ...(only === undefined ? {} : { only }) };
  try {
    return await check.run(look, config);
  } catch (error) {
    if (!(error instanceof TargetError) || !refusals.includes(error.code)) throw error;
    return notJudged(check, `${error.code}: ${error.message}`);
  }
}

/** Nothing could be judged: every open finding stays. */
function notJudged({ type }: Check, reason: string): CheckReport {
  return {
    check: type.name,
    checked: 0,
    skipped: [],
    unknown: [{ object: type.name, reason, grant: null }],
    findings: [],
    unjudged: 'all',
    figures: {},
  };
}

/** Objects told of in a step's result; all of them are at `GET /targets/{id}/checks`. */
const mostListed = 50;

/** What a run of a check came to, as a step's result. */
export function reportResult(report: CheckReport): JsonObject {
  const { checked, findings, skipped, unknown, figures } = report;
  return {
    checked,
    findings: findings.length,
    skipped: skipped.slice(0, mostListed).map((entry): JsonObject => ({ ...entry })),
    skipped_count: skipped.length,
    unknown: unknown.slice(0, mostListed).map((entry): JsonObject => ({ ...entry })),
    unknown_count: unknown.length,
    figures,
  };
}
