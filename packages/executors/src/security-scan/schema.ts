import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { failOnField } from '../config-fields.ts';

const names = (what: string) => z.array(z.string().min(1).max(200)).max(500).default([]).describe(what);

const config = z.strictObject({
  ignore_roles: names(
    'Names of roles that are meant to have what they have. Default none; pg_* roles never count, and of the bootstrap superuser only its password.',
  ),
  ignore_schemas: names('Names of schemas whose routines, tables, policies and views are left out. Default none.'),
  require_password_expiry: z
    .boolean()
    .default(true)
    .describe('Whether a login with a password that never expires is worth knowing. Default true.'),
  fail_on: failOnField,
});
export type SecurityScanConfig = z.infer<typeof config>;

export const taskType: TaskType<SecurityScanConfig> = {
  type: 'SECURITY_SCAN',
  category: 'security',
  access: 'observe',
  class: 'idempotent',
  description:
    'Looks for rights, passwords, pg_hba.conf rules, routines, policies and views that let somebody do more than meant. Findings are kept; no password or hash is ever read into them.',
  config,
};
