import { z } from 'zod';

const example = 'postgresql://maintainer@db.internal:5432/shop';
const host = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)$/;
const userAndPassword = /^[^/]*\/\/[^/?#@]*:[^/?#]*@/;
const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'];

/** What is wrong with a connection URL; null = nothing. A detail never repeats any part of the URL: it may hold a password. */
export function connectionProblem(text: string): { code: string; detail: string } | null {
  if (/[\s\p{Cc}]|%(?![0-9A-Fa-f]{2})/u.test(text) || !URL.canParse(text)) {
    return { code: 'invalid_connection', detail: `Expected a URL such as ${example}` };
  }
  const url = new URL(text);
  if (userAndPassword.test(text) || url.searchParams.has('password')) {
    return {
      code: 'password_in_connection',
      detail:
        'The connection must not hold a password: keep it in an environment variable or a file of the worker and name that in secret_ref, as env:NAME or file:/path',
    };
  }
  if (!/^postgres(ql)?:\/\//.test(text)) {
    return { code: 'unsupported_scheme', detail: `Expected postgresql:// or postgres://, e.g. ${example}` };
  }
  if (url.username === '') {
    return { code: 'no_user', detail: `Expected the role before the host, e.g. ${example}` };
  }
  if (!host.test(url.hostname))
    return { code: 'invalid_host', detail: `Expected one host name or address, e.g. ${example}` };
  if (!/^\/[^/@]+$/.test(url.pathname))
    return { code: 'no_database', detail: `Expected one database name after the host, e.g. ${example}` };
  const odd = [...url.searchParams].some(([name, value]) => name !== 'sslmode' || !sslModes.includes(value));
  if (odd || url.hash !== '') {
    return { code: 'unsupported_parameter', detail: `The only parameter is sslmode, one of ${sslModes.join(', ')}` };
  }
  return null;
}

/** Where a target is: a PostgreSQL URL with role, host and database, and never a password. */
export const Connection = z
  .string()
  .max(1000)
  .superRefine((text, ctx) => {
    const problem = connectionProblem(text);
    if (problem)
      ctx.addIssue({ code: 'custom', message: problem.detail, params: { code: problem.code }, input: undefined });
  })
  .meta({
    description: 'PostgreSQL URL with role, host and database, without a password; `sslmode` is the only parameter',
    example,
  });

/** Name of the place where a worker finds the password. */
export const SecretRef = z
  .string()
  .max(500)
  // `.` holds no line break: a path on one line.
  .regex(
    /^(env:[A-Za-z_][A-Za-z0-9_]*|file:\/.+)$/,
    'Expected env:NAME (an environment variable of the worker) or file:/absolute/path',
  )
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), {
    error: 'Expected a path without control characters',
    params: { code: 'control_character' },
  })
  .meta({
    description: 'Where the worker finds the password: `env:NAME` or `file:/absolute/path`',
    example: 'env:SHOP_DB_PASSWORD',
  });
