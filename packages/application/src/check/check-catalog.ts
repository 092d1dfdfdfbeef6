import type { CheckName, JsonObject } from '@slacktide/domain';
import type { z } from 'zod';

/** A check without the code that does it: what the API needs to list it. */
export interface CheckInfo {
  readonly name: CheckName;
  readonly description: string;
  readonly config: z.ZodType<JsonObject>;
}
