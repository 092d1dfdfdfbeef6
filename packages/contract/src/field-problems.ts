import type { z } from 'zod';
import type { FieldProblem } from './problem.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/**
 * What zod found wrong, as field problems. `prefix` is the pointer of the validated value in the body (e.g.
 * `/tasks/0/config`); `?` makes pointers of query parameters. No value from the request is repeated in a detail.
 */
export function fieldProblems(error: { readonly issues: readonly Issue[] }, prefix = ''): FieldProblem[] {
  return error.issues.flatMap((issue) => problemsOf(issue, [], prefix));
}

/** Pointer of `path` beneath `prefix` (RFC 6901: `~` becomes `~0`, `/` becomes `~1`). */
export function pointerTo(path: Path, prefix = ''): string {
  if (prefix === '?') return `?${path.map(String).join('.')}`;
  return prefix + path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function problemsOf(issue: Issue, above: Path, prefix: string): FieldProblem[] {
  const path = [...above, ...issue.path];
  const at = (code: string, detail: string, where: Path = path): FieldProblem => ({
    pointer: pointerTo(where, prefix),
    code,
    detail,
  });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => at('unknown_field', 'This field is not known', [...path, key]));
    case 'invalid_type':
      return [
        issue.input === undefined && issue.message.endsWith('received undefined')
          ? at('required', `Required: expected ${issue.expected}`)
          : at('wrong_type', issue.message),
      ];
    case 'invalid_value':
      return [at('not_allowed', issue.message)];
    case 'invalid_union':
      return unionProblems(issue, path, prefix) ?? [at('wrong_type', 'None of the allowed forms fits')];
    case 'invalid_key':
      return issue.issues.map(({ message }) => at('invalid_key', message));
    case 'custom':
      return [at(typeof issue.params?.['code'] === 'string' ? issue.params['code'] : 'invalid', issue.message)];
    default:
      return [at(issue.code, issue.message)];
  }
}

/** Of a union, the problems of the one form whose outer type fitted: the others were not meant. */
function unionProblems(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  prefix: string,
): FieldProblem[] | undefined {
  const meant = issue.errors.filter(
    (issues) => !issues.some(({ code, path: p }) => code === 'invalid_type' && p.length === 0),
  );
  return meant.length === 1 ? meant[0]?.flatMap((inner) => problemsOf(inner, path, prefix)) : undefined;
}
