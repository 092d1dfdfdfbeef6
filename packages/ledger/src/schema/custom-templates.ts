import {
  type Access,
  accesses,
  type LockMode,
  lockModes,
  type TemplateClass,
  type TemplateParameter,
  templateClasses,
} from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { check, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { bothOrNeither, instant, oneOf } from './columns.ts';

/** SQL that CUSTOM tasks may run, by version. A trigger lets nothing of a row change but its retirement, once. */
export const customTemplates = pgTable(
  'custom_templates',
  {
    name: text().notNull(),
    version: integer().notNull(),
    description: text().notNull(),
    statements: text().array().notNull(),
    parameters: jsonb().$type<readonly TemplateParameter[]>().notNull(),
    access: text().$type<Access>().notNull(),
    class: text().$type<TemplateClass>().notNull(),
    lockMode: text().$type<LockMode>(),
    hash: text().notNull(),
    createdAt: instant().notNull(),
    createdBy: text().notNull(),
    retiredAt: instant(),
    retiredBy: text(),
  },
  (table) => [
    primaryKey({ columns: [table.name, table.version] }),
    index('custom_templates_by_creation').on(table.createdAt, table.name, table.version),
    check('custom_templates_name', sql`name ~ '^[a-z0-9][a-z0-9-]{0,62}$'`),
    check('custom_templates_version', sql`version >= 1`),
    check('custom_templates_statements', sql`cardinality(statements) > 0`),
    check('custom_templates_parameters', sql`jsonb_typeof(parameters) = 'array'`),
    check('custom_templates_access', oneOf('access', accesses)),
    check('custom_templates_class', oneOf('class', templateClasses)),
    check('custom_templates_lock_mode', oneOf('lock_mode', lockModes)),
    check('custom_templates_hash', sql`hash ~ '^[0-9a-f]{64}$'`),
    check('custom_templates_retired', bothOrNeither(sql`retired_at IS NULL`, sql`retired_by IS NULL`)),
  ],
);
