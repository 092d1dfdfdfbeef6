import { careOrigins } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, JsonField, JsonObjectField, Slug, Uuid } from './fields.ts';
import { HealthStatus } from './health.ts';
import { pageQuery } from './page.ts';

/** `?target_id=`: the settings of one target; left out = of the whole fleet. */
export const CareSettingsQuery = z.strictObject({ target_id: Slug.optional() });

/** Body of PATCH /care/settings: a JSON merge patch (RFC 7396). */
export const CareSettingsPatch = z.looseObject({}).meta({
  id: 'CareSettingsPatch',
  description:
    'JSON merge patch (RFC 7396) on what was said over REST: null takes a setting back to what holds without it',
  example: { features: { index_cleanup: { min_scans: 50, days_unused: null } } },
});
export type CareSettingsPatch = z.infer<typeof CareSettingsPatch>;

export const CareSettingsView = z
  .strictObject({
    target_id: Slug.nullable().describe('null = of the whole fleet'),
    version: z.int().min(0).describe('Grows with every change over REST of this layer; the ETag'),
    settings: JsonObjectField.describe('What holds, in the shape of the YAML file'),
    items: z.array(
      z.strictObject({
        path: z.string(),
        value: JsonField,
        origin: z
          .enum(['default', ...careOrigins])
          .describe('Who said so: nobody, the YAML file, or somebody over REST for the fleet or this target'),
        default: JsonField,
      }),
    ),
  })
  .meta({
    id: 'CareSettings',
    description: 'The settings of care, each with who said so',
    example: {
      target_id: 'shop',
      version: 1,
      settings: { features: { index_cleanup: { min_scans: 50 } } },
      items: [{ path: 'features.index_cleanup.min_scans', value: 50, origin: 'target', default: 10 }],
    },
  });
export type CareSettingsView = z.infer<typeof CareSettingsView>;

/** Body of POST /care/run. */
export const CareRunInput = z
  .strictObject({
    target_id: Slug,
    force: z.boolean().default(false).describe('Run every step that is switched on, its interval passed or not'),
  })
  .meta({ id: 'CareRunInput', example: { target_id: 'shop', force: true } });
export type CareRunInput = z.infer<typeof CareRunInput>;

export const StatusQuery = z.strictObject({ ...pageQuery, target_id: Slug.optional() });
export type StatusQuery = z.infer<typeof StatusQuery>;

const CareStepStatus = z.strictObject({
  key: z.string(),
  title: z.string(),
  enabled: z.boolean(),
  interval_seconds: z.number(),
  last_run_at: Instant.nullable(),
  due_at: Instant.nullable().describe('From when it runs again; null = with the next run'),
});

const CareTargetStatus = z.strictObject({
  target_id: Slug,
  enabled: z.boolean().describe('The master switch'),
  last_run: z
    .strictObject({ job_id: Uuid, at: Instant, state: z.string(), status: z.string().nullable() })
    .nullable()
    .describe('The latest one in history'),
  next_due_at: Instant.nullable().describe('Of the soonest enabled schedule with care for it'),
  open_findings: z.strictObject({ info: z.int(), warning: z.int(), critical: z.int() }),
  steps: z.array(CareStepStatus),
});

/** Answer of GET /status. */
export const MaintenanceStatus = z
  .strictObject({
    status: HealthStatus,
    jobs: z.strictObject({ running: z.int(), pending: z.int(), capped: z.boolean().describe('More than counted') }),
    items: z.array(CareTargetStatus),
    next_cursor: z.string().nullable(),
  })
  .meta({
    id: 'MaintenanceStatus',
    description: 'How the fleet is, and how care of each target stands',
    example: {
      status: 'HEALTHY',
      jobs: { running: 1, pending: 0, capped: false },
      items: [
        {
          target_id: 'shop',
          enabled: true,
          last_run: {
            job_id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd',
            at: '2026-11-29T02:00:00.000Z',
            state: 'SUCCEEDED',
            status: 'success',
          },
          next_due_at: '2026-11-29T03:00:00.000Z',
          open_findings: { info: 3, warning: 2, critical: 0 },
          steps: [
            {
              key: '11-workload',
              title: 'Workload',
              enabled: true,
              interval_seconds: 21_600,
              last_run_at: '2026-11-29T02:00:00.000Z',
              due_at: '2026-11-29T08:00:00.000Z',
            },
          ],
        },
      ],
      next_cursor: null,
    },
  });
export type MaintenanceStatus = z.infer<typeof MaintenanceStatus>;

export const TargetGrants = z
  .strictObject({
    target_id: Slug,
    server_version: z.string(),
    role: z.string(),
    observe: z.array(z.strictObject({ statement: z.string(), why: z.string(), scope: z.string() })),
    act: z.array(z.strictObject({ statement: z.string(), why: z.string(), scope: z.string() })),
    remaining: z
      .array(z.strictObject({ what: z.string(), reason: z.string() }))
      .describe('What stays unknown all the same'),
  })
  .meta({
    id: 'TargetGrants',
    description: 'What the role of a target needs, and no more, on its major version',
    example: {
      target_id: 'shop',
      server_version: '18.1',
      role: 'maintainer',
      observe: [{ statement: 'GRANT pg_monitor TO maintainer', why: 'statistics views', scope: 'cluster' }],
      act: [{ statement: 'GRANT pg_maintain TO maintainer', why: 'VACUUM, ANALYZE, REINDEX', scope: 'cluster' }],
      remaining: [{ what: 'password hashes', reason: 'superusers only' }],
    },
  });
export type TargetGrants = z.infer<typeof TargetGrants>;
