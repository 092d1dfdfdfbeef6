import { defaultMaxLength, isBoundParameter, type TemplateParameter } from './custom-template.ts';
import type { JsonObject } from './json.ts';
import { compare, hasBounds, readTemplateValue } from './template-values.ts';

/** What does not fit: where, by which rule, and what would. */
export interface TemplateProblem {
  /** RFC 6901 pointer. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export type TemplateValues =
  /** By name, in the text form that the server reads; null = NULL. */
  | { readonly kind: 'values'; readonly values: ReadonlyMap<string, string | null> }
  | { readonly kind: 'problems'; readonly problems: readonly TemplateProblem[] };

/** Reads what a configuration says of a template's parameters, with their defaults. Null counts as not said. Pointers are beneath `/parameters`. */
export function readTemplateValues(parameters: readonly TemplateParameter[], given: JsonObject): TemplateValues {
  const problems: TemplateProblem[] = [];
  const known = new Set(parameters.map(({ name }) => name));
  const names = parameters.map(({ name }) => name).join(', ') || 'none';
  for (const name of Object.keys(given).filter((each) => !known.has(each))) {
    problems.push({
      ...at(name),
      code: 'unknown_parameter',
      detail: `The template has no such parameter; it has ${names}`,
    });
  }
  const values = new Map<string, string | null>();
  for (const parameter of parameters) {
    const { name, required } = parameter;
    const said = Object.hasOwn(given, name) ? given[name] : undefined;
    const value = said ?? parameter.default;
    if (said === undefined || said === null) {
      if (required) {
        problems.push({ ...at(name), code: 'required', detail: `Parameter ${name} (${parameter.type}) is needed` });
        continue;
      }
      if (value === null) {
        values.set(name, null);
        continue;
      }
    }
    const read = readTemplateValue(parameter, value);
    if (read.kind === 'text') values.set(name, read.text);
    // Never with the value: it may be secret.
    else problems.push({ ...at(name), code: 'invalid_value', detail: `Parameter ${name}: ${read.detail}` });
  }
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'values', values };
}

/** What is wrong with the parameters somebody declares. Pointers are beneath `/parameters`. */
export function checkTemplateParameters(parameters: readonly TemplateParameter[]): readonly TemplateProblem[] {
  return parameters.flatMap((parameter, position) => {
    const { name } = parameter;
    const own = problemsOf(parameter);
    const isTaken = parameters.findIndex((other) => other.name === name) < position;
    const taken = isTaken ? [{ field: 'name', code: 'taken', detail: `There is another parameter ${name}` }] : [];
    return [...taken, ...own].map(({ field, code, detail }) => ({
      pointer: `/parameters/${position}/${field}`,
      code,
      detail,
    }));
  });
}

interface FieldProblem {
  readonly field: string;
  readonly code: string;
  readonly detail: string;
}

function problemsOf(parameter: TemplateParameter): readonly FieldProblem[] {
  const { type, required, secret, maxLength, min, max, allowed } = parameter;
  const problems: FieldProblem[] = [];
  const refuse = (field: string, code: string, detail: string): void => void problems.push({ field, code, detail });
  if (maxLength !== null && type !== 'text') refuse('max_length', 'not_applicable', 'Only text has a length');
  for (const [field, bound] of [
    ['min', min],
    ['max', max],
  ] as const) {
    if (bound === null) continue;
    if (!hasBounds(type)) refuse(field, 'not_applicable', `Values of the type ${type} have no order`);
    else if (!isOf(unbounded(parameter), bound)) refuse(field, 'invalid_value', `Expected a value of the type ${type}`);
  }
  if (problems.length > 0) return problems;
  if (min !== null && max !== null && compare(type, String(min), max) > 0) {
    refuse('max', 'empty_range', 'Expected max to be min or more');
  }
  if (allowed !== null && !allowed.every((value) => isOf({ ...parameter, allowed: null }, value))) {
    refuse('allowed', 'invalid_value', `Expected values of the type ${type} within its bounds`);
  }
  if (problems.length > 0) return problems;
  if (required && parameter.default !== null)
    refuse('default', 'not_applicable', 'A required parameter has no default');
  else if (parameter.default !== null && !isOf(parameter, parameter.default)) {
    refuse('default', 'invalid_value', `Expected a value of the type ${type} within its bounds`);
  }
  if (!isBoundParameter(parameter)) {
    if (secret) refuse('secret', 'not_applicable', 'Names of objects are part of the statement, and are shown with it');
    if (!required && parameter.default === null) refuse('required', 'needed', 'A statement cannot do without a name');
  }
  return problems;
}

function isOf(parameter: TemplateParameter, value: unknown): boolean {
  return readTemplateValue(parameter, value).kind === 'text';
}

function unbounded(parameter: TemplateParameter): TemplateParameter {
  return { ...parameter, min: null, max: null, allowed: null };
}

function at(name: string): { readonly pointer: string } {
  return { pointer: `/parameters/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` };
}

/** The parameter with the default length of texts filled in. */
export function withDefaultLength(parameter: TemplateParameter): TemplateParameter {
  return parameter.type === 'text' ? { ...parameter, maxLength: parameter.maxLength ?? defaultMaxLength } : parameter;
}
