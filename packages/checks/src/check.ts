import type { CheckMemory, Standby, TargetReader } from '@slacktide/application/ports';
import type { CheckReport, JsonObject } from '@slacktide/domain';
import type { CheckType } from './check-type.ts';

/** What a check may look at. */
export interface Look {
  /** A read-only session on the database under care: one statement at a time, 30 s each, 1 s for a lock. */
  readonly reader: TargetReader;
  readonly memory: CheckMemory;
  readonly standbys: readonly Standby[];
  /** The ledger's clock when the check began. */
  readonly now: Date;
  /** Judge this object alone (its `objectKey`), before something is done to it; checks that read little may judge all the same. */
  readonly only?: string;
  readonly signal: AbortSignal;
}

/** One check on the real thing: reads, then judges. Rejects with TargetError where the target refuses; lacking rights is a report's `unknown`. */
export interface Check<Config extends JsonObject = JsonObject> {
  readonly type: CheckType<Config>;
  run(look: Look, config: Config): Promise<CheckReport>;
}
