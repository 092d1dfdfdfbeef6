import { z } from 'zod';
import { endpoint } from '../endpoint.ts';

const tag = 'Operation';

const Liveness = z.strictObject({ alive: z.literal(true) }).meta({ id: 'Liveness', example: { alive: true } });
const Readiness = z.strictObject({ ready: z.boolean(), reasons: z.array(z.string()) }).meta({
  id: 'Readiness',
  example: { ready: false, reasons: ['the ledger does not answer'] },
});

/** For Kubernetes: alive = the loop turns; ready = requests can be served and Redis, when it answers, is safe to use. */
export const probeEndpoints = [
  endpoint({
    method: 'get',
    path: '/livez',
    permission: 'public',
    tag,
    summary: 'The process is alive',
    answers: { 200: { description: 'Alive', schema: Liveness } },
    handle: async () => ({ status: 200, body: { alive: true } }),
  }),
  endpoint({
    method: 'get',
    path: '/readyz',
    permission: 'public',
    tag,
    summary: 'The process can serve requests',
    answers: {
      200: { description: 'Ready', schema: Readiness },
      503: { description: 'Not ready, and why', schema: Readiness },
    },
    handle: async ({ deps }) => {
      const readiness = await deps.readiness();
      return { status: readiness.ready ? 200 : 503, body: readiness };
    },
  }),
  endpoint({
    method: 'get',
    path: '/metrics',
    permission: 'public',
    tag,
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'Text exposition format' } },
    handle: async ({ deps }) => ({
      status: 200,
      text: { content: await deps.metrics.registry.metrics(), mediaType: deps.metrics.registry.contentType },
    }),
  }),
];
