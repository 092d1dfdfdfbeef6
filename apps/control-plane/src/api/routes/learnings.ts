import { assessQuery, listLearnings } from '@slacktide/application';
import { AssessInput, Assessment, LearningPage, LearningQuery } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

const tag = 'Learning';

export const learningEndpoints = [
  endpoint({
    method: 'get',
    path: '/api/v1/maintenance/learnings',
    permission: 'maintenance:read',
    tag,
    summary:
      'List what was learned of targets: statement patterns, index suggestions, forecasts, the model and its score',
    query: LearningQuery,
    answers: { 200: { description: 'A page', schema: LearningPage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listLearnings(deps, ctx, query) }),
  }),
  endpoint({
    method: 'post',
    path: '/api/v1/maintenance/queries/assess',
    permission: 'maintenance:write',
    tag,
    summary: 'Judge how risky a statement is, without running it',
    body: AssessInput,
    answers: { 200: { description: 'The judgement', schema: Assessment } },
    handle: async ({ deps, ctx, body }) => ({ status: 200, body: await assessQuery(deps, ctx, body) }),
  }),
];
