import type { TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';

/** Why a statement was not done. */
export interface NotDone {
  readonly code: string;
  readonly message: string;
  readonly detail: JsonObject;
}

export function refusedByServer({ code, message, sqlState }: TargetError): NotDone {
  return { code, message, detail: { sql_state: sqlState } };
}
