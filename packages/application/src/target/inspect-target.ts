import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { TargetAddress, TargetErrorCode, TargetFacts } from '../ports/index.ts';

/**
 * Has a worker look at a target.
 * @throws AppError `target_unreachable` with a pointer to the field to look at | `no_worker`
 */
export async function inspectTarget(
  deps: Pick<Deps, 'inquiries' | 'inquiryTimeoutMs'>,
  address: TargetAddress,
): Promise<TargetFacts> {
  const { kind, connection, secretRef } = address;
  const question = { kind: 'inspect', target: { kind, connection, secretRef } } as const;
  const answer = await deps.inquiries.ask(question, deps.inquiryTimeoutMs);
  switch (answer.kind) {
    case 'inspected':
      return answer.facts;
    case 'target_failed':
      throw unreachable(pointerOf(answer.code), answer);
    case 'planned':
    case 'refused':
      throw new Error(`a worker answered ${answer.kind} to a look at a target`);
  }
}

/** A `target_unreachable` about the field that names the target. */
export function unreachable(pointer: string, failure: { code: TargetErrorCode; detail: string }): AppError {
  const { code, detail } = failure;
  return new AppError('target_unreachable', `The target cannot be worked on: ${detail}`, {
    problems: [{ pointer, code, detail }],
  });
}

function pointerOf(code: TargetErrorCode): string {
  return code === 'secret_unavailable' || code === 'authentication_failed' ? '/secret_ref' : '/connection';
}
