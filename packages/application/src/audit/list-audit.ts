import type { AuditPage, AuditQuery } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { auditEventView } from '../view/audit-view.ts';
import { pageView } from '../view/page-view.ts';

/** Who changed what, newest first. */
export async function listAudit(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  query: AuditQuery,
): Promise<AuditPage> {
  const { limit, cursor, entity, entity_id: entityId, action, actor, from, to } = query;
  const filter = { entity, entityId, action, actor, from, to };
  return pageView(await deps.ledger.audit.list({ limit, cursor }, filter), auditEventView);
}
