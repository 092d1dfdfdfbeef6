import type { PlannedStep, StepOutcome, StepRun, TargetReader } from '@slacktide/application/ports';
import { amcheck } from '@slacktide/checks';
import type { JsonObject } from '@slacktide/domain';
import type { IndexConsistencyConfig } from './schema.ts';

type Run = StepRun<IndexConsistencyConfig>;

/** A lock that closes a table to writers is waited for no longer than this: they queue behind us meanwhile. */
const shareLockTimeoutMs = 200;

/** Verifies the relation of a step, if it is still the one that was planned and nobody has a lock in the way. */
export async function verifyRelation(step: PlannedStep, run: Run): Promise<amcheck.Verdict | 'gone'> {
  const { observer, config } = run;
  const [statement] = step.statements;
  const { oid } = step.object;
  if (statement === undefined || oid === null) throw new Error(`expected a relation and a statement in ${step.key}`);
  if ((await readName(observer, oid)) !== step.key) return 'gone';
  const blocks = step.lockMode === 'SHARE';
  if (!(await amcheck.isFree(observer, oid, blocks ? amcheck.conflictsOf.share : amcheck.conflictsOf.accessShare))) {
    return { kind: 'unverified', reason: 'locked' };
  }
  const seconds = blocks ? Math.min(config.max_blocking_seconds, config.max_seconds) : config.max_seconds;
  const bounds = { statementTimeoutMs: seconds * 1000, ...(blocks ? { lockTimeoutMs: shareLockTimeoutMs } : {}) };
  return await amcheck.judged(async () => {
    const rows = await (observer.queryWithin === undefined
      ? observer.query<HeapRow>(statement)
      : observer.queryWithin<HeapRow>(bounds, statement));
    const [row] = rows;
    if (step.data['relation_kind'] === 'index' || row === undefined || row.problems === 0) return { kind: 'sound' };
    const message = String(row.first[0]?.['message'] ?? 'damaged rows');
    return { kind: 'corrupt', message, details: { problems: row.problems, first_problems: row.first } };
  });
}

interface HeapRow {
  readonly problems: number;
  readonly first: readonly JsonObject[];
}

const nameSql = `
SELECT format('%I.%I', n.nspname, c.relname) AS quoted
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.oid = $1::oid AND (i.indexrelid IS NULL OR (i.indisvalid AND i.indisready AND i.indislive))`;

/** Undefined = there is none of this OID, or it is an index that is not valid. */
async function readName(reader: TargetReader, oid: number): Promise<string | undefined> {
  const [row] = await reader.query<{ quoted: string }>(nameSql, [oid]);
  return row?.quoted;
}

/** Corruption fails the step; what was asked for by name and not verified does, too. */
export function outcomeOf(step: PlannedStep, verdict: amcheck.Verdict | 'gone'): StepOutcome {
  if (verdict === 'gone') return { kind: 'skipped', reason: 'gone' };
  const { verifier = null } = step.data;
  if (verdict.kind === 'sound') return { kind: 'done', result: { verdict: 'sound', verifier } };
  if (verdict.kind === 'corrupt') return corruption(step, verdict);
  const { reason } = verdict;
  const passing = reason === 'locked' || reason === 'statement_timeout';
  if (passing && step.data['reason'] !== 'named') return { kind: 'skipped', reason };
  const code = reason === 'locked' ? 'lock_timeout' : (reason.split(':')[0] ?? reason);
  return { kind: 'failed', error: { code, message: `${step.key} was not verified: ${reason}`, detail: { verifier } } };
}

function corruption(
  step: PlannedStep,
  { message, details }: Extract<amcheck.Verdict, { kind: 'corrupt' }>,
): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'corruption_found',
      message: `${step.key} is corrupt: ${message}; ${amcheck.firstSteps}`,
      detail: { message, ...details, verifier: step.data['verifier'] ?? null },
    },
  };
}
