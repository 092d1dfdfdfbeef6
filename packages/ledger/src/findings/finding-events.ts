import type { AuditEntry } from '@slacktide/application/ports';
import { type FindingObject, type FindingState, findingState, type JsonObject, type Severity } from '@slacktide/domain';
import type { FindingChanges, RecordedRun } from './recorded-run.ts';

/** One event for every finding whose state or severity a report changes; that it was seen again is no event. */
export function findingEvents(
  run: RecordedRun,
  { born, seenAgain, reopened, resolved }: FindingChanges,
): readonly AuditEntry[] {
  const told = (finding: Told, state: FindingState): JsonObject => ({
    state,
    severity: finding.severity,
    target_id: run.targetId,
    check: run.check,
    object: { ...finding.object },
    summary: finding.summary,
  });
  const event = (verb: string, entityId: string, before: JsonObject | null, after: JsonObject): AuditEntry => ({
    action: `finding.${verb}`,
    entity: 'finding',
    entityId,
    before,
    after,
  });
  return [
    ...born.map(({ id, found }) => event('open', id, null, told(found, 'open'))),
    ...reopened.map(({ known, found }) => {
      const after = findingState({ ...known, isResolved: false });
      return event('reopen', known.id, told(known, 'resolved'), told(found, after));
    }),
    ...seenAgain
      .filter(({ known, found }) => known.severity !== found.severity)
      .map(({ known, found }) => {
        const state = findingState(known);
        return event('change', known.id, told(known, state), told(found, state));
      }),
    ...resolved.map((known) => event('resolve', known.id, told(known, findingState(known)), told(known, 'resolved'))),
  ];
}

interface Told {
  readonly severity: Severity;
  readonly object: FindingObject;
  readonly summary: string;
}
