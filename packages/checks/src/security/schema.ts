import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  ignore_roles: z
    .array(z.string())
    .default([])
    .describe(
      'Names of roles that are meant to have what they have. Default none; pg_* roles never count, and of the bootstrap superuser only its password.',
    ),
  ignore_schemas: z
    .array(z.string())
    .default([])
    .describe('Names of schemas whose routines, tables, policies and views are left out. Default none.'),
  require_password_expiry: z
    .boolean()
    .default(true)
    .describe('Whether a login with a password that never expires is worth knowing. Default true.'),
});
export type SecurityConfig = z.infer<typeof config>;

export const checkType: CheckType<SecurityConfig> = {
  name: 'security',
  description:
    'Logins that reach superuser rights or the server’s files, weak passwords and pg_hba.conf rules, schemas anybody may create in, SECURITY DEFINER routines with an open search_path, and row level security that does not hold.',
  config,
};
