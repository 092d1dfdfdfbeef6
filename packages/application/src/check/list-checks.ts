import type { CheckList } from '@slacktide/contract';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import type { RequestContext } from '../ports/index.ts';
import type { CheckInfo } from './check-catalog.ts';

/** Every check, in the order in which they run, with the JSON Schema of its configuration. */
export function listChecks(deps: { readonly checks: readonly CheckInfo[] }, _ctx: RequestContext): CheckList {
  const items = deps.checks.map(({ name, description, config }) => ({
    name,
    description,
    defaults: config.parse({}),
    config_schema: z.toJSONSchema(config, { io: 'input' }) as JsonObject,
  }));
  return { items, next_cursor: null };
}
