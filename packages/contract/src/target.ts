import { targetKinds } from '@slacktide/domain';
import { z } from 'zod';
import { Connection, SecretRef } from './connection.ts';
import { Instant, Labels, Name, Slug, Text, Version } from './fields.ts';
import { pageOf, pageQuery } from './page.ts';

const example = {
  id: 'shop',
  name: 'Shop database',
  kind: 'postgres' as const,
  connection: 'postgresql://maintainer@db.internal:5432/shop',
  secret_ref: 'env:SHOP_DB_PASSWORD',
  standbys: ['postgresql://maintainer@standby.internal:5432/shop'],
  labels: { env: 'production' },
};

/** Body of POST /targets and PUT /targets/{id}. */
export const TargetInput = z
  .strictObject({
    id: Slug.optional().describe('Made when left out'),
    name: Name,
    kind: z.enum(targetKinds).default('postgres'),
    connection: Connection,
    secret_ref: SecretRef.nullable().default(null),
    standbys: z
      .array(Connection)
      .max(16)
      .refine((standbys) => new Set(standbys).size === standbys.length, {
        error: 'A standby is named twice',
        params: { code: 'duplicate' },
      })
      .default([])
      .describe('Connections of its standbys, looked at with the same secret: their use of indexes counts too'),
    labels: Labels.default({}),
  })
  .meta({ id: 'TargetInput', description: 'A database to take into care', example });
export type TargetInput = z.infer<typeof TargetInput>;

export const Target = z
  .strictObject({
    id: Slug,
    name: z.string(),
    kind: z.enum(targetKinds),
    connection: z.string().describe('Never holds a password'),
    secret_ref: z.string().nullable(),
    standbys: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    version: Version,
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({
    id: 'Target',
    description: 'A database under care',
    example: { ...example, version: 1, created_at: '2026-11-22T02:00:00.000Z', updated_at: '2026-11-22T02:00:00.000Z' },
  });
export type Target = z.infer<typeof Target>;

export const TargetPage = pageOf(Target, 'TargetPage');
export type TargetPage = z.infer<typeof TargetPage>;

/** `?label=env:production`, repeatable: targets that carry all of them. */
export const TargetQuery = z.strictObject({
  ...pageQuery,
  label: z
    .union([z.string(), z.array(z.string())])
    .transform((labels) => [labels].flat())
    .pipe(z.array(Text.regex(/^[^:]+:/, 'Expected key:value')))
    .transform((labels) => Object.fromEntries(labels.map((label) => splitAt(label, label.indexOf(':')))))
    .optional(),
});
export type TargetQuery = z.infer<typeof TargetQuery>;

/** Query of what writes a target: `?verify=false` registers it unseen. */
export const TargetWriteQuery = z.strictObject({
  verify: z
    .enum(['true', 'false'])
    .default('true')
    .transform((text) => text === 'true')
    .describe('`false` registers the target without a look at it'),
});

/** Answer of POST /targets/{id}/test. */
export const TargetTest = z
  .strictObject({
    target_id: Slug,
    server_version: z.string(),
    database: z.string(),
    role: z.string(),
    system_identifier: z.string(),
    in_recovery: z.boolean(),
    size_bytes: z.number(),
    latency_ms: z.number(),
  })
  .meta({
    id: 'TargetTest',
    description: 'What a worker saw when it looked at the target',
    example: {
      target_id: 'shop',
      server_version: '18.1',
      database: 'shop',
      role: 'maintainer',
      system_identifier: '7570561946563891234',
      in_recovery: false,
      size_bytes: 183_500_800,
      latency_ms: 3.2,
    },
  });
export type TargetTest = z.infer<typeof TargetTest>;

function splitAt(text: string, at: number): [string, string] {
  return [text.slice(0, at), text.slice(at + 1)];
}
