import type { Plan } from '@slacktide/application/ports';
import { type ProbeFacts, recordStatement, switchStatement } from './facts.ts';

export const probeKey = 'wal_segment';

/** One step, where there is an archive and we may. */
export function planProbe({ archiveMode, permitted, grant }: ProbeFacts): Plan {
  const plan: Plan = { steps: [], checked: 1, skipped: [], unknown: [] };
  if (archiveMode === 'off') return { ...plan, skipped: [{ object: probeKey, reason: 'archive_mode_off' }] };
  if (!permitted) return { ...plan, unknown: [{ object: probeKey, reason: 'insufficient_privilege', grant }] };
  return {
    ...plan,
    steps: [
      {
        key: probeKey,
        object: { kind: 'cluster', oid: null, schema: null, name: probeKey },
        statements: [recordStatement, switchStatement],
        lockMode: null,
        sizeBytes: null,
        expectedSeconds: null,
        // A segment that is finished stays so.
        reversible: false,
        data: {},
      },
    ],
  };
}
