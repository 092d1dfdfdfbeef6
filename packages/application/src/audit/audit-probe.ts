import type { Probe } from '../health/health.ts';
import type { AuditChain } from '../ports/index.ts';

/** Sealing follows within about a second; longer than this, nobody seals. */
const lateAfterSeconds = 60;

/** The audit log is being sealed; says too when nobody signs its heads. */
export function auditProbe(chain: Pick<AuditChain, 'backlog'>, { signed }: { readonly signed: boolean }): Probe {
  const heads = signed ? 'heads are signed' : 'heads are not signed: no AUDIT_SIGNING_KEY';
  return async () => {
    const { unsealed, oldestSeconds } = await chain.backlog();
    const waiting = `${unsealed} events wait to be sealed`;
    if (oldestSeconds > lateAfterSeconds) {
      return { status: 'DEGRADED', message: `${waiting}, the oldest for ${Math.round(oldestSeconds)} s; ${heads}` };
    }
    return { status: 'HEALTHY', message: `${waiting}; ${heads}` };
  };
}
