import { listEffects } from '@slacktide/application';
import { EffectPage, EffectQuery } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

export const effectEndpoints = [
  endpoint({
    method: 'get',
    path: '/api/v1/maintenance/effects',
    permission: 'maintenance:read',
    tag: 'Effects',
    summary: 'List what act work did to objects, how it lasted, and what that advises, newest first',
    query: EffectQuery,
    answers: { 200: { description: 'A page', schema: EffectPage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listEffects(deps, ctx, query) }),
  }),
];
