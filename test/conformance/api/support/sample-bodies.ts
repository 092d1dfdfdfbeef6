/** A schedule of two tasks on the target `shop`. */
export function scheduleBody(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 'nightly',
    name: 'Nightly',
    cron_expression: '0 2 * * *',
    timezone: 'Europe/Berlin',
    target_ids: ['shop'],
    tasks: ['INDEX_REBUILD', { type: 'STATISTICS_UPDATE', key: 'statistics' }],
    ...changes,
  };
}
