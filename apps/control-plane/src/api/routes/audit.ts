import { exportAudit, getAuditHeads, listAudit, verifyAudit } from '@slacktide/application';
import {
  AuditExportQuery,
  AuditHeads,
  AuditPage,
  AuditQuery,
  AuditVerdict,
  AuditVerifyInput,
} from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';
import { started } from '../started.ts';

const tag = 'Audit';
const permission = 'maintenance:admin';

/** What was done, and the proof that nobody changed the record of it. */
export const auditEndpoints = [
  endpoint({
    method: 'get',
    path: '/api/v1/maintenance/audit',
    permission,
    tag,
    summary: 'Who changed what, newest first',
    query: AuditQuery,
    answers: { 200: { description: 'A page', schema: AuditPage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listAudit(deps, ctx, query) }),
  }),
  endpoint({
    method: 'get',
    path: '/api/v1/maintenance/audit/heads',
    permission,
    tag,
    summary: 'The ends of the hash chains, signed: keep them elsewhere',
    answers: { 200: { description: 'For a later verification', schema: AuditHeads } },
    handle: async ({ deps }) => ({ status: 200, body: await getAuditHeads(deps) }),
  }),
  endpoint({
    method: 'get',
    path: '/api/v1/maintenance/audit/export',
    permission,
    tag,
    summary: 'Every sealed event with its hash, as NDJSON',
    query: AuditExportQuery,
    answers: { 200: { description: 'A line a link: `stream`, `seq`, `sealed_at`, `event` and the `hash` of them' } },
    handle: async ({ deps, query }) => ({
      status: 200,
      stream: { chunks: await started(exportAudit(deps, query)), mediaType: 'application/x-ndjson' },
    }),
  }),
  endpoint({
    method: 'post',
    path: '/api/v1/maintenance/audit/verify',
    permission,
    tag,
    summary: 'Hold the audit log against its seals, and against exported heads',
    body: AuditVerifyInput,
    answers: { 200: { description: 'What was found', schema: AuditVerdict } },
    handle: async ({ deps, body }) => ({
      status: 200,
      body: await verifyAudit({ ...deps, auditPublicKey: deps.auditSigner?.publicKey }, body),
    }),
  }),
];
