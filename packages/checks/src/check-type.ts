import type { CheckName, JsonObject } from '@slacktide/domain';
import type { z } from 'zod';

/** The pure face of a check: what the API needs to list it and to check a configuration. Pulls in no driver. */
export interface CheckType<Config extends JsonObject = JsonObject> {
  readonly name: CheckName;
  /** What it looks for, in one or two sentences for a DBA. */
  readonly description: string;
  /** Strict: unknown keys are refused; every key has a default and a description. */
  readonly config: z.ZodType<Config>;
}
