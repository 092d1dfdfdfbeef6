import { accesses, lockModes, templateClasses, templateParameterTypes } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, Text } from './fields.ts';
import { pageOf, pageQuery, QueryBoolean } from './page.ts';

const TemplateName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'Expected 1 to 63 of a-z, 0-9 and hyphen, beginning with a letter or digit');

/** A value of a parameter; of which form depends on its type. */
const Value = z.union([Text.max(10_000), z.number(), z.boolean()]);

/** Names fit into an identifier of PostgreSQL with the braces around them. */
const parameterName = /^[a-z][a-z0-9_]{0,47}$/;

export const TemplateParameter = z
  .strictObject({
    name: z.string().regex(parameterName, 'Expected 1 to 48 of a-z, 0-9 and underscore, beginning with a letter'),
    type: z
      .enum(templateParameterTypes)
      .describe(
        '`relation` and `schema` name objects of the catalogue, and stand as `{{name}}` where a relation or its schema is named; all others are bound: `$n` is the n-th parameter',
      ),
    required: z.boolean().default(true),
    default: Value.nullable().default(null).describe('What holds when nothing is said; null = NULL is bound'),
    secret: z
      .boolean()
      .default(false)
      .describe('Its values are shown in no plan, and what it is used in shows no rows'),
    max_length: z.int().min(1).max(10_000).nullable().default(null).describe('Of text, in characters. Default 1000'),
    min: Value.nullable().default(null).describe('Of numbers and times'),
    max: Value.nullable().default(null).describe('Of numbers and times'),
    allowed: z.array(Value).min(1).max(100).nullable().default(null).describe('Nothing but these'),
  })
  .meta({
    id: 'TemplateParameter',
    description: 'A parameter of a template; values never become part of SQL',
    example: {
      name: 'before',
      type: 'timestamptz',
      required: true,
      default: null,
      secret: false,
      max_length: null,
      min: null,
      max: null,
      allowed: null,
    },
  });
export type TemplateParameter = z.infer<typeof TemplateParameter>;

const fields = {
  name: TemplateName,
  description: Text.trim().min(1).max(2_000),
  statements: z
    .array(Text.min(1).max(20_000))
    .min(1)
    .max(20)
    .describe(
      'Each exactly one statement without a semicolon, sent alone, in this order; the first that fails ends the run',
    ),
  parameters: z.array(TemplateParameter).max(50),
  access: z.enum(accesses).describe('`observe`: reads only, and the server itself refuses whatever would write'),
  class: z
    .enum(templateClasses)
    .describe('`idempotent` only where doing every statement again does no more than doing it once'),
  lock_mode: z
    .enum(lockModes)
    .nullable()
    .describe('The strongest lock on a table that the statements take, as PostgreSQL calls it; null = none'),
};

const example = {
  name: 'purge-orders',
  description: 'Deletes orders that were placed before a moment',
  statements: ['DELETE FROM {{orders}} WHERE placed_at < $2'],
  parameters: [
    { name: 'orders', type: 'relation' as const },
    { name: 'before', type: 'timestamptz' as const },
  ],
  access: 'act' as const,
  class: 'never_retry' as const,
  lock_mode: 'ROW EXCLUSIVE' as const,
};

/** Body of POST /custom-templates. */
export const CustomTemplateInput = z
  .strictObject({
    ...fields,
    parameters: fields.parameters.default([]),
    access: fields.access.default('act'),
    class: fields.class.default('never_retry'),
  })
  .meta({
    id: 'CustomTemplateInput',
    description: 'SQL that CUSTOM tasks may run; a name that there is gets its next version',
    example,
  });
export type CustomTemplateInput = z.infer<typeof CustomTemplateInput>;

const complete = {
  required: true,
  default: null,
  secret: false,
  max_length: null,
  min: null,
  max: null,
  allowed: null,
};

export const CustomTemplate = z
  .strictObject({
    ...fields,
    version: z.int().min(1),
    hash: z.string().describe('SHA-256 of the content, checked before every run'),
    created_at: Instant,
    created_by: z.string(),
    retired_at: Instant.nullable().describe('From when on it is not run any more'),
    retired_by: z.string().nullable(),
  })
  .meta({
    id: 'CustomTemplate',
    description: 'One version of a template; versions never change',
    example: {
      ...example,
      parameters: example.parameters.map((parameter) => ({ ...parameter, ...complete })),
      version: 3,
      hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      created_at: '2026-11-22T02:00:00.000Z',
      created_by: 'api_key:9f86d081884c7d65',
      retired_at: null,
      retired_by: null,
    },
  });
export type CustomTemplate = z.infer<typeof CustomTemplate>;

export const CustomTemplatePage = pageOf(CustomTemplate, 'CustomTemplatePage');
export type CustomTemplatePage = z.infer<typeof CustomTemplatePage>;

export const CustomTemplateQuery = z.strictObject({
  ...pageQuery,
  name: TemplateName.optional().describe('All versions of this one'),
  retired: QueryBoolean.optional(),
});
export type CustomTemplateQuery = z.infer<typeof CustomTemplateQuery>;

/** Path of a template: its newest version. */
export const TemplatePath = z.strictObject({ name: TemplateName });

/** Path of one version. */
export const TemplateVersionPath = z.strictObject({
  name: TemplateName,
  version: z.coerce.number().int().min(1).max(2_147_483_647),
});
