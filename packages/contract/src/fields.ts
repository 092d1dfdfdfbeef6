import { checkLabels, identifierPattern, type Json, type JsonObject } from '@slacktide/domain';
import { z } from 'zod';

// PostgreSQL stores neither U+0000 nor half a surrogate pair.
const unstorable = /[\0\p{Cs}]/u;
const notStorable = {
  error: 'Expected text without U+0000 and unpaired surrogates',
  params: { code: 'unstorable_text' },
};

/** Text that the ledger can store. */
export const Text = z.string().refine((text) => !unstorable.test(text), notStorable);

/** Id of a schedule or target: given by its maker, or made (UUIDv7). */
export const Slug = z
  .string()
  .regex(
    identifierPattern,
    'Expected 1 to 63 of a-z, 0-9, dot, hyphen and underscore, beginning with a letter or digit',
  );

/** Id of a job or task. */
export const Uuid = z.uuid();

/** A moment, ISO 8601 in UTC. */
export const Instant = z.iso.datetime().meta({ example: '2026-11-22T02:00:00.000Z' });

/** Grows by one with every change; the ETag is this number in quotes. */
export const Version = z.int().min(1);

/** One line for people. */
export const Name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), {
    error: 'Expected one line without control characters',
    params: { code: 'control_character' },
  });

/** Labels of a target. */
export const Labels = z
  .record(z.string(), z.string())
  .superRefine((labels, ctx) => {
    for (const { pointer, code, detail } of checkLabels(labels)) {
      const [, key] = /^\/(.*)$/s.exec(pointer) ?? [];
      const path = key === undefined ? [] : [key.replaceAll('~1', '/').replaceAll('~0', '~')];
      ctx.addIssue({ code: 'custom', path, message: detail, params: { code }, input: undefined });
    }
  })
  .meta({ example: { env: 'production', team: 'orders' } });

/** A JSON object whose text the ledger can store; what came through JSON.parse is JSON otherwise. */
export const JsonObjectField: z.ZodType<JsonObject> = z
  .record(z.string(), z.unknown())
  .refine((value) => isStorable(value), notStorable) as never;

/** Any JSON. */
export const JsonField: z.ZodType<Json> = z.unknown() as never;

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !unstorable.test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => !unstorable.test(key) && isStorable(inner));
}
