import { type Loop, sealAudit, startLoop } from '@slacktide/application';
import type { AuditChain } from '@slacktide/application/ports';
import type { Logger } from '@slacktide/telemetry';

/** Events sealed in one transaction: some 40 ms of this process's time. */
const batchSize = 1_000;
/** How long an event may stand unsealed, about; the window in which a change of it would not be found out. */
const everyMs = 1_000;

/** Seals the audit log, in every process that runs it: of any number one at a time does. */
export function startSealLoop({
  auditChain,
  logger,
}: {
  readonly auditChain: Pick<AuditChain, 'extend'>;
  readonly logger: Logger;
}): Loop {
  const loop = startLoop({
    everyMs,
    run: async () => {
      // More waits: at once again.
      if ((await sealAudit({ auditChain }, batchSize)) === batchSize) loop.wake();
    },
    onError: (err) => logger.warn({ err, loop: 'seal' }, 'the audit log could not be sealed; it will be tried again'),
  });
  return loop;
}
