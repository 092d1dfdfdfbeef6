import type { AuditEntry, AuditEvent, AuditStream } from '../ports/index.ts';

const streams: Readonly<Record<AuditEntry['entity'], AuditStream>> = {
  schedule: 'configuration',
  target: 'configuration',
  care_settings: 'configuration',
  custom_template: 'configuration',
  api_key: 'access',
  job: 'work',
  task: 'work',
  finding: 'work',
  backup: 'work',
  signal: 'health',
};

/** The stream that an event is chained in. Of what a later release writes beside this one: configuration; a seal says it for good. */
export function streamOf({ entity }: Pick<AuditEvent, 'entity'>): AuditStream {
  return Object.hasOwn(streams, entity) ? streams[entity as AuditEntry['entity']] : 'configuration';
}
