import { type Loop, startLoop, takeCareFile } from '@slacktide/application';
import type { Ledger } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { currentTrace, type Logger } from '@slacktide/telemetry';

const tryEveryMs = 5_000;

/** Has the settings of the file hold as soon as the ledger is there, once. */
export function startCareLoop(deps: {
  readonly ledger: Ledger;
  readonly logger: Logger;
  readonly settings: JsonObject;
}): Loop {
  const { ledger, logger, settings } = deps;
  let taken = false;
  return startLoop({
    everyMs: tryEveryMs,
    run: async () => {
      if (taken) return;
      const actor = { kind: 'system', id: 'care-file', name: 'care file' } as const;
      const changed = await takeCareFile({ ledger }, { actor, ...currentTrace() }, settings);
      taken = true;
      if (changed) logger.info({ settings }, 'settings of care taken from the file');
    },
    onError: (err) => logger.warn({ err }, 'settings of care could not be written; it will be tried again'),
  });
}
