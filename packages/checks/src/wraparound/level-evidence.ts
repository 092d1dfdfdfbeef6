import type { JsonObject } from '@slacktide/domain';
import { type Level, stopAge } from './levels.ts';
import { hoursUntilStop, type UseOfIds } from './use-of-ids.ts';

export function levelEvidence(level: Level, use: UseOfIds): JsonObject {
  return {
    ids: level.ids === 'multixacts' ? 'multixact' : 'xid',
    age: level.age,
    limit: level.limit,
    percent_of_limit: Math.round((100 * level.age) / level.limit),
    failsafe_age: level.failsafe,
    ids_until_stop: Math.max(0, stopAge - level.age),
    ids_per_hour: level.ids === 'multixacts' ? use.multixactsPerHour : use.xidsPerHour,
    hours_until_stop: hoursUntilStop(level, use),
  };
}
