import type { Plan, PlannedStep } from '@slacktide/application/ports';

/** What the check `security` looks at, each judged on its own, by the names of its figures. */
export const areas = ['roles', 'passwords', 'hba_rules', 'schemas', 'routines', 'rls_tables', 'views'] as const;
export type Area = (typeof areas)[number];

/** One step an area: the first has the check look, and tells what it could not see. */
export function planScan(): Plan {
  const steps = areas.map(
    (area): PlannedStep => ({
      key: area,
      object: { kind: 'cluster', oid: null, schema: null, name: area },
      ...{ statements: [], lockMode: null, sizeBytes: null, expectedSeconds: 1, reversible: true, data: {} },
    }),
  );
  return { steps, checked: areas.length, skipped: [], unknown: [] };
}
