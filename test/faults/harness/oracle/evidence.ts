import type { JobEnd, Rig } from '../rig.ts';
import { isActing, type WitnessedStatement } from '../server-log.ts';

/** An event of the audit log, as the ledger has it. */
export interface AuditRow {
  readonly id: number;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly entity: string;
  readonly entityId: string;
  readonly reason: string | null;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

export interface Act extends WitnessedStatement {
  readonly targetId: string;
  /** Whose it was, by target and fence; undefined = nobody in the ledger. */
  readonly taskId: string | undefined;
}

/** Everything the invariants look at, read once when all is over. */
export interface Evidence {
  readonly rig: Rig;
  readonly jobs: readonly JobEnd[];
  /** In the order of their ids. */
  readonly audit: readonly AuditRow[];
  /** Statements of the fleet that changed a target, by the target's own log. */
  readonly acts: readonly Act[];
}

/** What an invariant found broken, one sentence each; none = it holds. */
export type Invariant = (evidence: Evidence) => Promise<readonly string[]> | readonly string[];

export async function gatherEvidence(rig: Rig): Promise<Evidence> {
  const audit = await rig.ledger<AuditRow[]>`
    SELECT id::int, at, actor, action, entity, entity_id AS "entityId", reason, before, after FROM audit_events ORDER BY id`;
  const jobs = await rig.jobs();
  const owners = taskOfFences(jobs, audit);
  const acts = rig
    .witness()
    .filter(isActing)
    .map((statement) => {
      const fence = /^slacktide\/.+\/(\d+)$/.exec(statement.applicationName)?.[1];
      return { ...statement, taskId: owners.get(`${statement.targetId}/${fence}`) };
    });
  return { rig, jobs, audit, acts };
}

/** `target/fence` → task: a fence is given out once for each target. */
function taskOfFences(jobs: readonly JobEnd[], audit: readonly AuditRow[]): ReadonlyMap<string, string> {
  const targetOf = new Map(jobs.flatMap(({ targetId, tasks }) => tasks.map(({ id }) => [id, targetId] as const)));
  return new Map(
    audit.flatMap(({ entity, entityId, after }) => {
      const fence = entity === 'task' ? after?.['fence'] : undefined;
      return fence === undefined ? [] : [[`${targetOf.get(entityId)}/${fence}`, entityId] as const];
    }),
  );
}
