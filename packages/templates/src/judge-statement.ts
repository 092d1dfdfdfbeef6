import { type Access, isBoundParameter, type LockMode, type TemplateParameter } from '@slacktide/domain';
import { fillTree } from './fill-tree.ts';
import { isSystem, judgeCalls } from './judge-calls.ts';
import { parseSql, type SqlTree } from './parse-sql.ts';
import { markedText, type TextPart, textParts } from './placeholders.ts';
import type { StatementRule } from './statement-rule.ts';
import { ruleOf } from './statement-rules.ts';

/** A statement of a template, found to be one that may stand there. */
export interface JudgedStatement extends StatementRule {
  readonly parts: readonly TextPart[];
  /** Of the text with a marker for each name. */
  readonly tree: SqlTree;
  /** It has to be run to its end, however few rows are wanted. */
  readonly hasEffects: boolean;
  /** What it works on has to be there: it does not say IF EXISTS. */
  readonly needsRelation: boolean;
  /** Names of its parameters: those that are bound, in the order of their numbers, and those that name objects. */
  readonly bound: readonly TemplateParameter[];
  readonly names: readonly TemplateParameter[];
  /** Undefined where functions decide that are not the server's own. */
  readonly knownLockMode: LockMode | null | undefined;
}

export interface StatementProblem {
  readonly code: string;
  readonly detail: string;
}

export type Judgement =
  | { readonly kind: 'sound'; readonly statement: JudgedStatement }
  | { readonly kind: 'problems'; readonly problems: readonly StatementProblem[] };

/** Judges one statement by its whole parse tree. */
export async function judgeStatement(
  text: string,
  { parameters, access }: { readonly parameters: readonly TemplateParameter[]; readonly access: Access },
): Promise<Judgement> {
  const parts = await textParts(text);
  const parsed = parts && (await parseSql(markedText(parts)));
  if (parts === undefined || parsed === undefined) return problem('syntax_error', 'A quote or a comment does not end');
  if (parsed.kind === 'problem') return problem(parsed.code, parsed.detail);
  if (/;\s*$/.test(text)) return problem('semicolon', 'Leave the semicolon at the end out');
  const { tree } = parsed;
  const rule = ruleOf(tree);
  if ('refused' in rule) return problem('statement_not_allowed', rule.refused);
  const used = usedParameters(parts, parameters);
  const calls = judgeCalls(tree.node, tree.type, access);
  const problems = [...used.problems, ...placesOf(tree, used.names, parts), ...calls.problems];
  const refuse = (code: string, detail: string): void => void problems.push({ code, detail });
  const bindable = rule.way === 'rows' || rule.way === 'change';
  if (!bindable && used.bound.length > 0) {
    refuse(
      'parameter_not_bindable',
      `${rule.kind} takes no values: only parameters of the types relation and schema, as {{name}}`,
    );
  }
  if (rule.way === 'rows' && calls.innerChanges) {
    refuse('statement_not_allowed', 'A SELECT may not change rows within WITH: make the change the statement itself');
  }
  if (rule.relation !== null && rule.isWrite && isSystem(rule.relation)) {
    refuse('system_relation', `${rule.relation.name} belongs to the system, or has no schema`);
  }
  const isWrite = rule.isWrite || calls.changes || calls.callsOthers;
  if (isWrite && access === 'observe')
    refuse('needs_act', `${rule.kind} changes something, or may: it needs the access act`);
  if (problems.length > 0) return { kind: 'problems', problems };
  const hasEffects = calls.changes || calls.callsOthers;
  const isIdempotent = rule.isIdempotent && !hasEffects;
  const knownLockMode = calls.callsOthers ? undefined : rule.lockMode;
  const needsRelation = rule.relation !== null && tree.node['missing_ok'] !== true;
  const { bound, names } = used;
  const judged = { isWrite, isIdempotent, hasEffects, knownLockMode, needsRelation };
  return { kind: 'sound', statement: { ...rule, ...judged, parts, tree, bound, names } };
}

function problem(code: string, detail: string): Judgement {
  return { kind: 'problems', problems: [{ code, detail }] };
}

interface Used {
  readonly bound: readonly TemplateParameter[];
  readonly names: readonly TemplateParameter[];
  readonly problems: StatementProblem[];
}

/** Which parameters the text takes, each in the way that its type allows. */
function usedParameters(parts: readonly TextPart[], parameters: readonly TemplateParameter[]): Used {
  const problems: StatementProblem[] = [];
  const used = new Set<TemplateParameter>();
  const refuse = (code: string, detail: string): void => void problems.push({ code, detail });
  for (const part of parts) {
    if (part.kind === 'sql') continue;
    const said = part.kind === 'value' ? `$${part.number}` : `{{${part.name}}}`;
    const parameter =
      part.kind === 'value' ? parameters[part.number - 1] : parameters.find(({ name }) => name === part.name);
    if (parameter === undefined) refuse('unknown_parameter', `${said}: there is no such parameter`);
    else if (isBoundParameter(parameter) !== (part.kind === 'value')) {
      const { name, type } = parameter;
      const right = isBoundParameter(parameter) ? `$${parameters.indexOf(parameter) + 1}` : `{{${name}}}`;
      refuse('wrong_placeholder', `${said}: ${name} is of the type ${type}, and stands as ${right}`);
    } else used.add(parameter);
  }
  const inOrder = parameters.filter((parameter) => used.has(parameter));
  return {
    bound: inOrder.filter(isBoundParameter),
    names: inOrder.filter((parameter) => !isBoundParameter(parameter)),
    problems,
  };
}

/** Every name has to stand where a relation or a schema is named, and nothing else may look like one. */
function placesOf(
  tree: SqlTree,
  names: readonly TemplateParameter[],
  parts: readonly TextPart[],
): readonly StatementProblem[] {
  const written = parts.filter(({ kind }) => kind === 'name').length;
  const objects = new Map(names.map(({ name }) => [name, { schema: 's', name: 'n' }]));
  const types = new Map(names.map(({ name, type }) => [name, type]));
  const { filled } = fillTree(tree, { objects, types, numbers: new Map() });
  const looksAlike = parts.some((part) => part.kind === 'sql' && part.text.includes('"{{'));
  if (filled === written && !looksAlike) return [];
  return [
    {
      code: 'misplaced_name',
      detail:
        'A {{name}} may only stand where a relation is named, or its schema: not in quotes, not as a column, function or alias',
    },
  ];
}
