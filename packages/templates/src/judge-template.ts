import {
  checkTemplateParameters,
  type LockMode,
  lockModes,
  type TemplateContent,
  type TemplateProblem,
} from '@slacktide/domain';
import { type JudgedStatement, judgeStatement } from './judge-statement.ts';

export type TemplateJudgement =
  | { readonly kind: 'sound'; readonly statements: readonly JudgedStatement[] }
  | { readonly kind: 'problems'; readonly problems: readonly TemplateProblem[] };

type Judged = Pick<TemplateContent, 'statements' | 'parameters' | 'access' | 'class' | 'lockMode'>;

/** Judges a template as a whole: its parameters, each statement, and what is said of them. */
export async function judgeTemplate(template: Judged): Promise<TemplateJudgement> {
  const problems: TemplateProblem[] = [...checkTemplateParameters(template.parameters)];
  const statements: JudgedStatement[] = [];
  for (const [at, text] of template.statements.entries()) {
    const judgement = await judgeStatement(text, template);
    if (judgement.kind === 'sound') statements.push(judgement.statement);
    else problems.push(...judgement.problems.map((problem) => ({ pointer: `/statements/${at}`, ...problem })));
  }
  if (statements.length < template.statements.length) return { kind: 'problems', problems };
  problems.push(...unused(template, statements), ...lockProblems(template, statements));
  if (template.class === 'idempotent' && statements.some(({ isIdempotent }) => !isIdempotent)) {
    const kinds = statements.filter(({ isIdempotent }) => !isIdempotent).map(({ kind }) => kind);
    const detail = `Doing ${[...new Set(kinds)].join(', ')} again may do more than doing it once: the class is never_retry`;
    problems.push({ pointer: '/class', code: 'not_idempotent', detail });
  }
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'sound', statements };
}

function unused({ parameters }: Judged, statements: readonly JudgedStatement[]): readonly TemplateProblem[] {
  const used = new Set(statements.flatMap(({ bound, names }) => [...bound, ...names]));
  return parameters.flatMap((parameter, at) =>
    used.has(parameter)
      ? []
      : [{ pointer: `/parameters/${at}`, code: 'unused_parameter', detail: `No statement takes ${parameter.name}` }],
  );
}

function lockProblems({ lockMode }: Judged, statements: readonly JudgedStatement[]): readonly TemplateProblem[] {
  const taken = statements.map((each) => each.lockMode).reduce(stronger, null);
  const isKnown = statements.every(({ knownLockMode }) => knownLockMode !== undefined);
  if (lockMode === taken || (!isKnown && stronger(lockMode, taken) === lockMode)) return [];
  const detail = `The statements take ${taken ?? 'no lock on a table (null)'}${isKnown ? '' : ' at least'}, declared was ${lockMode ?? 'none'}`;
  return [{ pointer: '/lock_mode', code: 'wrong_lock_mode', detail }];
}

function stronger(one: LockMode | null, other: LockMode | null): LockMode | null {
  const strength = (mode: LockMode | null): number => (mode === null ? -1 : lockModes.indexOf(mode));
  return strength(one) >= strength(other) ? one : other;
}
