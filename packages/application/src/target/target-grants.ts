import type { TargetGrants as TargetGrantsView } from '@slacktide/contract';
import { targetGrants } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { inspectTarget } from './inspect-target.ts';

const majors = [14, 15, 16, 17, 18] as const;

/**
 * The rights that the role of a target needs on its major version, for observing and for acting, as statements to run; a worker looks at the
 * target for the version and the names.
 * @throws AppError `not_found` | `target_unreachable` | `no_worker` | `conflict` for a version that is not known
 */
export async function grantsOfTarget(
  deps: Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs'>,
  _ctx: RequestContext,
  input: { readonly id: string },
): Promise<TargetGrantsView> {
  const target = found(await deps.ledger.targets.get(input.id), 'target', input.id);
  const { serverVersion, role, database } = await inspectTarget(deps, target);
  const major = majors.find((known) => known === Number.parseInt(serverVersion, 10));
  if (major === undefined) {
    throw new AppError(
      'conflict',
      `Which rights PostgreSQL ${serverVersion} needs is not known: ${majors.join(', ')} are`,
    );
  }
  const { observe, act, remaining } = targetGrants({ major, role, database });
  return {
    target_id: target.id,
    server_version: serverVersion,
    role,
    observe: observe.map((line) => ({ ...line })),
    act: act.map((line) => ({ ...line })),
    remaining: remaining.map((line) => ({ ...line })),
  };
}
