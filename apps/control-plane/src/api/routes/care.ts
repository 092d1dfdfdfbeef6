import { getCareSettings, maintenanceStatus, patchCareSettings, runCare } from '@slacktide/application';
import {
  CareRunInput,
  CareSettingsPatch,
  CareSettingsQuery,
  CareSettingsView,
  Job,
  MaintenanceStatus,
  StatusQuery,
} from '@slacktide/contract';
import { endpoint, etagOf } from '../endpoint.ts';

const tag = 'Care';
const path = '/api/v1/maintenance';

export const careEndpoints = [
  endpoint({
    method: 'get',
    path: `${path}/status`,
    permission: 'maintenance:read',
    tag,
    summary: 'How the fleet is, and how care of each target stands',
    query: StatusQuery,
    answers: { 200: { description: 'A page of targets', schema: MaintenanceStatus } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await maintenanceStatus(deps, ctx, query) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/care/settings`,
    permission: 'maintenance:read',
    tag,
    summary: 'Every setting of care as it holds, and who said so',
    query: CareSettingsQuery,
    answers: { 200: { description: 'Its ETag is the version of what was said over REST', schema: CareSettingsView } },
    handle: async ({ deps, ctx, query }) => {
      const settings = await getCareSettings(deps, ctx, { targetId: query.target_id ?? null });
      return { status: 200, body: settings, headers: etagOf(settings.version) };
    },
  }),
  endpoint({
    method: 'patch',
    path: `${path}/care/settings`,
    permission: 'maintenance:write',
    tag,
    summary: 'Change settings of care, of the fleet or of one target',
    query: CareSettingsQuery,
    body: CareSettingsPatch,
    bodyMediaType: 'application/merge-patch+json',
    ifMatch: true,
    answers: { 200: { description: 'Changed', schema: CareSettingsView } },
    handle: async ({ deps, ctx, query, body, expectedVersion }) => {
      const targetId = query.target_id ?? null;
      const settings = await patchCareSettings(deps, ctx, { targetId, expectedVersion, patch: body });
      return { status: 200, body: settings, headers: etagOf(settings.version) };
    },
  }),
  endpoint({
    method: 'post',
    path: `${path}/care/run`,
    permission: 'maintenance:write',
    tag,
    summary: 'Run care on a target, now; `force` ignores intervals',
    body: CareRunInput,
    idempotent: true,
    answers: { 202: { description: 'Accepted; `Location` names the job', schema: Job } },
    handle: async ({ deps, ctx, body }) => {
      const job = await runCare(deps, ctx, body);
      return { status: 202, body: job, headers: { location: `${path}/jobs/${job.id}` } };
    },
  }),
];
