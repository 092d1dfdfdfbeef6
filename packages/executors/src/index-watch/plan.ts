import type { Plan } from '@slacktide/application/ports';
import type { WatchFacts } from './facts.ts';

/** One look; none at a watch that is over. */
export function planLook({ watch }: WatchFacts): Plan {
  const { object, state } = watch;
  if (state !== 'prepared' && state !== 'open') {
    return { steps: [], checked: 1, skipped: [{ object, reason: `watch_${state}` }], unknown: [] };
  }
  return {
    steps: [
      {
        key: object,
        object: { kind: 'index', oid: null, schema: null, name: object },
        // Only reads.
        statements: [],
        lockMode: null,
        sizeBytes: null,
        expectedSeconds: null,
        reversible: true,
        data: {},
      },
    ],
    checked: 1,
    skipped: [],
    unknown: [],
  };
}
