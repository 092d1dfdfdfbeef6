import { AppError, type FieldProblem } from '@slacktide/application';
import { pointerTo } from '@slacktide/contract';

/** Deepest nesting of a body. Ours need half of it; whatever walks the value later may then recurse. */
const maxDepth = 32;
/** Strings, one unclosed included, so that brackets in them do not count; and the brackets. */
const tokens = /"(?:[^"\\]|\\.?)*(?:"|$)|[[\]{}]/gs;

/**
 * Parses a body. Refuses the key `__proto__`, which later steps would drop or, worse, obey.
 * @throws AppError `malformed_request` | `invalid_request`
 */
export function readJson(text: string): unknown {
  if (isDeeperThan(text, maxDepth)) {
    throw new AppError('malformed_request', `The body nests more than ${maxDepth} levels deep`);
  }
  const value = parse(text);
  const problems = [...protoKeys(value, [])];
  if (problems.length > 0) throw new AppError('invalid_request', 'The key __proto__ is not allowed', { problems });
  return value;
}

function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(tokens)) {
    if (token === '[' || token === '{') depth += 1;
    if (token === ']' || token === '}') depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('malformed_request', 'The body is not valid JSON', { cause });
  }
}

function* protoKeys(value: unknown, path: readonly string[]): Generator<FieldProblem> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, key];
    if (key === '__proto__') {
      yield { pointer: pointerTo(at), code: 'unknown_field', detail: 'This field is not known' };
    } else {
      yield* protoKeys(inner, at);
    }
  }
}
