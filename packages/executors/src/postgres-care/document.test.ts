import type { CheckName, CheckReport, FoundFinding, JsonObject } from '@slacktide/domain';
import { careSteps } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { careDocument, documentPart, safeguardPart } from './document.ts';

const finding = (summary: string): FoundFinding => ({
  fingerprint: summary,
  severity: 'warning',
  object: { kind: 'index', schema: 'public', name: summary, table: 't' },
  summary,
  evidence: {},
  action: null,
});
const report = (check: CheckName, found: readonly string[] = [], figures: JsonObject = {}): CheckReport => ({
  check,
  checked: 3,
  skipped: [],
  unknown: [],
  findings: found.map(finding),
  unjudged: [],
  figures,
});
const figures: Readonly<Partial<Record<CheckName, JsonObject>>> = {
  index_bloat: { healthy: 20, bloated: 2, underutilized: 1, measured: 23 },
  workload: { workload_type: 'read-heavy', read_ratio: 0.85, write_ratio: 0.15, tables: 9 },
  hanging_index_build: { active_builds: 1, hanging_builds: 0 },
  matview_index: { count: 2, index_suggestions: 1 },
};
const startedAt = '2026-11-30T10:00:00.000Z';
const learning = { status: 'unknown', reason: 'pg_stat_statements is not loaded', grant: null };

function parts(change: (number: number) => { skip?: JsonObject; failed?: boolean } = () => ({})) {
  return careSteps.map((step) => {
    const { skip = null, failed = false } = change(step.number);
    const reports = step.checks.map((check) => report(check, step.number === 6 ? ['a', 'b'] : [], figures[check]));
    const part =
      step.number === 15
        ? safeguardPart(
            {
              since: new Date(startedAt),
              indexAttempts: 10,
              indexSuccesses: 9,
              rateLimited: 1,
              loadThrottled: 0,
              lockFailures: 2,
              windowSkips: 3,
              schedulesWithoutWindow: [],
            },
            0,
          )
        : reports.length > 0 && step.number !== 8
          ? documentPart(step, reports)
          : {};
    const unlearned = [8, 16, 17].includes(step.number) ? learning : null;
    return { key: step.key, startedAt, failed, skip: skip ?? unlearned, part };
  });
}

describe('careDocument', () => {
  it('has the shape of the document that the run comes from', () => {
    expect(careDocument(parts())).toEqual({
      timestamp: startedAt,
      status: 'success',
      integrity_check: { status: 'healthy', issues: [] },
      cleanup: {
        orphaned_indexes: 0,
        orphaned_indexes_removed: 0,
        invalid_indexes: 0,
        invalid_indexes_removed: 0,
        stale_advisory_locks: 0,
        stale_operations: 0,
        unused_indexes_found: 2,
        unused_indexes_removed: 0,
        index_health: { healthy: 20, bloated: 2, underutilized: 1 },
        bloated_indexes_found: 0,
        automatic_reindex: { scheduled: 0, rebuilt: 0, reason: 'switched_off' },
        pattern_learning: learning,
        statistics_refresh: { stale_tables_found: 0, tables_analyzed: 0, success: true },
        redundant_indexes_found: 0,
        workload_analysis: { workload_type: 'read-heavy', read_ratio: 0.85, write_ratio: 0.15 },
        foreign_key_suggestions: { count: 0, suggestions: [] },
        hanging_concurrent_builds: 0,
        concurrent_index_monitoring: { active_builds: 1, hanging_builds: 0 },
        materialized_views: { count: 2, index_suggestions: 1 },
        safeguard_metrics: {
          index_creation: { attempts: 10, successes: 9, success_rate: 0.9 },
          rate_limit_triggers: 1,
          cpu_throttle_triggers: 0,
          lock_acquisition_failures: 2,
          maintenance_window_skips: 3,
          since: startedAt,
        },
        safeguard_status: 'all_on',
        predictive_maintenance: learning,
        ml_training: learning,
      },
    });
  });

  it('tells of a step that did not run, and why', () => {
    const skip = { status: 'skipped', reason: 'interval has not passed' };
    const document = careDocument(parts((number) => (number === 11 || number === 1 ? { skip } : {})));
    expect(document).toMatchObject({
      status: 'success',
      integrity_check: { ...skip, issues: [] },
      cleanup: { workload_analysis: skip },
    });
  });

  it.each([
    ['partial', (number: number) => ({ failed: number === 7 })],
    ['failed', () => ({ failed: true })],
    ['skipped', () => ({ skip: { status: 'skipped', reason: 'maintenance_tasks is disabled' } })],
  ])('is %s', (status, change) => expect(careDocument(parts(change))['status']).toBe(status));
});

describe('documentPart', () => {
  const [, integrity] = careSteps;
  const of = (reports: readonly CheckReport[]) =>
    documentPart(integrity as (typeof careSteps)[number], reports)['integrity_check'];

  it('is healthy only if everything was seen', () => {
    const blind = {
      ...report('integrity'),
      unknown: [{ object: 'amcheck', reason: 'not installed', grant: 'CREATE EXTENSION amcheck' }],
    };
    expect(of([blind, report('invalid_constraint')])).toEqual({ status: 'unknown', issues: [] });
    const off = { ...report('integrity'), unknown: [{ object: 'shop', reason: 'checksums_off', grant: null }] };
    expect(of([off, report('invalid_constraint')])).toEqual({ status: 'healthy', issues: [] });
    expect(of([report('integrity'), report('invalid_constraint', ['orders_fk'])])).toEqual({
      status: 'unhealthy',
      issues: ['orders_fk'],
    });
  });
});
