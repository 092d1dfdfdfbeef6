import { putSignal, readHealth } from '@slacktide/application';
import { HealthReport, Signal, SignalInput } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

const tag = 'Health';

export const healthEndpoints = [
  endpoint({
    method: 'get',
    path: '/api/v1/maintenance/health',
    permission: 'maintenance:read',
    tag,
    summary: 'How everything is, worst first',
    answers: { 200: { description: 'The report, as the probes said last', schema: HealthReport } },
    handle: async ({ deps }) => ({ status: 200, body: await readHealth(deps) }),
  }),
  endpoint({
    method: 'post',
    path: '/api/v1/maintenance/health/signals',
    permission: 'maintenance:write',
    tag,
    summary: 'Say how a module of yours is',
    body: SignalInput,
    answers: { 202: { description: 'Taken; true until it expires', schema: Signal } },
    handle: async ({ deps, ctx, body }) => ({ status: 202, body: await putSignal(deps, ctx, body) }),
  }),
];
