import { z } from 'zod';
import { Instant, Text } from './fields.ts';

/** How a module is, best first. */
export const HealthStatus = z.enum(['HEALTHY', 'DEGRADED', 'UNHEALTHY']);
export type HealthStatus = z.infer<typeof HealthStatus>;

const ModuleName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$/,
    'Expected 1 to 100 letters, digits, dots, colons, slashes, hyphens or underscores',
  );

const example = {
  module: 'ledger',
  status: 'HEALTHY' as const,
  message: 'answers in 1 ms',
  checked_at: '2026-11-22T02:00:00.000Z',
};

export const ModuleHealth = z
  .strictObject({ module: z.string(), status: HealthStatus, message: z.string(), checked_at: Instant })
  .meta({ id: 'ModuleHealth', example });
export type ModuleHealth = z.infer<typeof ModuleHealth>;

/** Answer of GET /health: as bad as its worst module, worst first. */
export const HealthReport = z
  .strictObject({ status: HealthStatus, checked_at: Instant, modules: z.array(ModuleHealth) })
  .meta({
    id: 'HealthReport',
    description: 'As bad as its worst module; modules worst first',
    example: { status: 'HEALTHY', checked_at: '2026-11-22T02:00:00.500Z', modules: [example] },
  });
export type HealthReport = z.infer<typeof HealthReport>;

/** Body of POST /health/signals. */
export const SignalInput = z
  .strictObject({
    module: ModuleName.describe(
      'Not one of the built-in modules: ledger, redis, workers, schedules, ticks, tasks, outbox, audit, audit_chain, and what begins with queue: or target:',
    ),
    status: HealthStatus,
    message: Text.max(1000).default(''),
    ttl_seconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(300)
      .describe('How long it is true; afterwards the module is no longer reported'),
  })
  .meta({
    id: 'SignalInput',
    description: 'What a module says about itself',
    example: { module: 'backup', status: 'HEALTHY', message: 'last backup verified', ttl_seconds: 3600 },
  });
export type SignalInput = z.infer<typeof SignalInput>;

export const Signal = z
  .strictObject({ module: z.string(), status: HealthStatus, message: z.string(), at: Instant, expires_at: Instant })
  .meta({
    id: 'Signal',
    example: {
      module: 'backup',
      status: 'HEALTHY',
      message: 'last backup verified',
      at: '2026-11-22T02:00:00.000Z',
      expires_at: '2026-11-22T03:00:00.000Z',
    },
  });
export type Signal = z.infer<typeof Signal>;
