import type { CheckSnapshot } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type Level, stopAge } from './levels.ts';
import type { Server } from './read.ts';

/** How many ids are used up in an hour; null = not known yet. */
export interface UseOfIds {
  readonly xidsPerHour: number | null;
  readonly multixactsPerHour: number | null;
}

/** Less than this between two looks says little about a rate. */
const shortestHours = 1 / 6;
const multixactsPerWrap = 2 ** 32;

export function snapshotOf(server: Server): JsonObject {
  return { xid: server.nextXid, multixact: server.nextMultixact };
}

/** By the oldest of `earlier` looks, newest first. A counter that went back means another server, restored from a backup. */
export function useOfIds(server: Server, earlier: readonly CheckSnapshot[], now: Date): UseOfIds {
  const since = earlier.findLast(({ values }) => Number(values['xid']) <= server.nextXid);
  const hours = since === undefined ? 0 : (now.getTime() - since.at.getTime()) / 3_600_000;
  if (since === undefined || hours < shortestHours) return { xidsPerHour: null, multixactsPerHour: null };
  const multixacts = server.nextMultixact - Number(since.values['multixact']);
  return {
    xidsPerHour: Math.round((server.nextXid - Number(since.values['xid'])) / hours),
    multixactsPerHour: Math.round((multixacts < 0 ? multixacts + multixactsPerWrap : multixacts) / hours),
  };
}

/** How long until the server stops assigning ids of this kind, if nothing is frozen; null = not known, or for ever. */
export function hoursUntilStop({ ids, age }: Pick<Level, 'ids' | 'age'>, use: UseOfIds): number | null {
  const perHour = ids === 'multixacts' ? use.multixactsPerHour : use.xidsPerHour;
  return perHour === null || perHour <= 0 ? null : Math.round(Math.max(0, stopAge - age) / perHour);
}
