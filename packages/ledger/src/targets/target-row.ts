import type { Target } from '@slacktide/domain';
import type { targets } from '../schema/targets.ts';

/** A row of `targets` as a query returns it. */
export type TargetRow = typeof targets.$inferSelect;

/** The target of a row; the fence is the claims' business. */
export function toTarget({ fence: _, ...target }: TargetRow): Target {
  return target;
}
