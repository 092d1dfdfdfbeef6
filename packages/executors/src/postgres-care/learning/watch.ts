import type { Learning, StepRun } from '@slacktide/application/ports';
import { type KnownStatement, type WatchedStatements, watchedStatements } from '@slacktide/checks';
import type { JsonObject } from '@slacktide/domain';
import { statementKey } from '@slacktide/learning';
import { summaryKey } from '../facts.ts';
import type { PostgresCareConfig } from '../schema.ts';

/** How far back executions count. */
const historyHours = 24;

/** The statements of the last day, each by its key: with those that were learned before and whose rows are gone. */
export async function watchStatements(
  { observer: reader, memory }: Pick<StepRun<PostgresCareConfig>, 'observer' | 'memory'>,
  now: Date,
): Promise<WatchedStatements> {
  const known = (await memory.learned('pattern')).filter(({ key }) => key !== summaryKey).map(toKnown);
  return await watchedStatements({ reader, memory, now }, historyHours, {
    known,
    nameOf: async ({ query, ...statement }) =>
      query === null ? undefined : await statementKey({ ...statement, query }),
  });
}

/** What of a pattern has to be kept for the statement to be known again. */
export function identityJson({ topLevel, textIds }: Pick<KnownStatement, 'topLevel' | 'textIds'>): JsonObject {
  return { top_level: topLevel, text_ids: textIds };
}

function toKnown({ key, value }: Learning): KnownStatement {
  const { role, query, top_level: topLevel, text_ids: textIds } = value;
  return {
    id: key,
    role: String(role),
    topLevel: topLevel !== false,
    query: typeof query === 'string' ? query : null,
    // Those learned before there were keys have the id of their text.
    textIds: Array.isArray(textIds) ? textIds.map(String) : [key],
  };
}
