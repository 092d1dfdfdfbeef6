import type { ClaimedTask, Finding, ObjectReading } from '@slacktide/application/ports';
import type { CheckReport, FoundFinding, JsonObject } from '@slacktide/domain';
import { claimedBy, executionsSetup } from './executions.ts';
import { sampleContext } from './ledger-data.ts';

interface FindingEvent {
  readonly action: string;
  readonly actor: string;
  readonly entityId: string;
  readonly traceId: string;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
}

/** What `unused_index` finds of the index `public.<name>`. */
export function sampleFound(name = 'orders_old', changes: Partial<FoundFinding> = {}): FoundFinding {
  return {
    fingerprint: `public.${name}`,
    severity: 'warning',
    object: { kind: 'index', schema: 'public', name, table: 'orders' },
    summary: `${name} was not used for 30 days`,
    evidence: { scans: 0, size_bytes: 8192 },
    action: {
      sql: [`DROP INDEX CONCURRENTLY public.${name}`],
      rollbackSql: [],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
      class: 'never_retry',
    },
    ...changes,
  };
}

/** A report of `unused_index` with these findings. */
export function sampleReport(findings: readonly FoundFinding[] = [], changes: Partial<CheckReport> = {}): CheckReport {
  return {
    check: 'unused_index',
    checked: 12,
    skipped: [],
    unknown: [],
    findings,
    unjudged: [],
    figures: { unused: findings.length },
    ...changes,
  };
}

/** An index with that many scans, and everything else as it always is. */
export function sampleReading(oid: number, scans: number, changes: Partial<ObjectReading> = {}): ObjectReading {
  return {
    kind: 'index',
    oid,
    name: `public.index_${oid}`,
    filenode: oid + 1_000,
    counters: { scans, blocks_fetched: 100 + scans },
    gauges: { size_bytes: 8_192 },
    ...changes,
  };
}

/** A ledger with the targets `shop` and `stock`, and claims on them by which checks and looks are written. */
export async function checksSetup() {
  const setup = await executionsSetup();
  const observing = async (targetId = 'shop'): Promise<ClaimedTask> =>
    claimedBy(await setup.claim(await setup.addJob({ targetId }), 'rebuild', { access: 'observe' }));
  const claimed = await observing();
  return {
    ...setup,
    claimed,
    /** Another claim, beside those there are. */
    observing,
    health: setup.connection.health,
    records: setup.connection.records,
    observations: setup.connection.observations,
    memory: setup.connection.observations.memoryOf('shop'),

    /** Records a report as the claim, or another. */
    record: (report: CheckReport, by: ClaimedTask = claimed) =>
      setup.connection.records.record(by, report, { days_unused: 30 }),

    /** Records a look at a node as the claim; all of its indexes are among the readings. */
    look: (readings: readonly ObjectReading[], { node = 'primary', epoch = 'e1' } = {}) =>
      setup.connection.observations.record(claimed, { node, epoch, readings, complete: ['index'] }),

    /** The finding, where there is only one. */
    async onlyFinding(): Promise<Finding> {
      const { items } = await setup.ledger.findings.list({ limit: 10 });
      const [finding] = items;
      if (finding === undefined || items.length > 1) throw new Error(`expected one finding, got: ${items.length}`);
      return finding;
    },

    /** Events of findings in the audit log that reports made, in their order. */
    async findingEvents() {
      const rows = await setup.sql<FindingEvent[]>`
        SELECT action, actor, entity_id AS "entityId", trace_id AS "traceId", before, after
        FROM audit_events WHERE entity = 'finding' AND action <> 'finding.mute' ORDER BY id`;
      return rows.map((row) => ({ ...row }));
    },

    async mute(id: string, until: Date | null): Promise<void> {
      await setup.ledger.transaction(sampleContext(), async (tx) => {
        await tx.findings.setMute(id, { reason: 'known', until, by: 'api_key:k', at: await tx.now() });
        return { result: null, audit: [{ action: 'finding.mute', entity: 'finding', entityId: id }] };
      });
    },

    /** As if everything in the ledger had happened that much earlier, e.g. `3 days`. Ids keep their instants. */
    async pass(interval: string): Promise<void> {
      await setup.sql`UPDATE observed_objects SET span_started_at = span_started_at - ${interval}::interval,
        last_sampled_at = last_sampled_at - ${interval}::interval, changed_at = changed_at - ${interval}::interval,
        gone_at = gone_at - ${interval}::interval`;
      await setup.sql`UPDATE object_samples SET at = at - ${interval}::interval`;
      await setup.sql`UPDATE check_snapshots SET at = at - ${interval}::interval`;
    },

    /** Everything that checks and looks write, to compare. */
    async checkContents() {
      const [row] = await setup.sql`
        SELECT (SELECT json_agg(f ORDER BY id) FROM findings f) AS findings, (SELECT json_agg(r ORDER BY target_id, check_name) FROM check_runs r) AS runs,
          (SELECT json_agg(s ORDER BY id) FROM check_snapshots s) AS snapshots, (SELECT json_agg(h ORDER BY module) FROM health_signals h) AS signals,
          (SELECT json_agg(o ORDER BY id) FROM observed_objects o) AS objects, (SELECT json_agg(s ORDER BY object_id, at) FROM object_samples s) AS samples,
          (SELECT json_agg(c ORDER BY origin, target_id) FROM care_settings c) AS care, (SELECT json_agg(a ORDER BY id) FROM audit_events a) AS audit`;
      return { ...row };
    },
  };
}
