import type postgres from 'postgres';

/** Of an event of the audit log, what a fold reads. In the order of ids: whoever changes a row holds it when he tells. */
export interface FoldEvent {
  readonly id: number | string;
  readonly action: string;
  readonly entity: string;
  readonly entityId: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

type Facts = Readonly<Record<string, unknown>>;

/** What the audit log alone says. */
export interface AuditFold {
  /** By `<entity> <id>`: the told fields as they are in the end; null = deleted. */
  readonly facts: ReadonlyMap<string, Facts | null>;
  /** By job id: the state that it and its tasks were born in. */
  readonly births: ReadonlyMap<string, unknown>;
  /** Events that do not begin where the one before them ended. */
  readonly faults: readonly string[];
}

/** The rows that the fold has to be equal to. */
export interface FoldedRows {
  readonly jobs: readonly { readonly id: string; readonly state: string; readonly halted: boolean }[];
  readonly tasks: readonly { readonly id: string; readonly jobId: string; readonly state: string }[];
  readonly schedules: readonly { readonly id: string; readonly version: number; readonly enabled: boolean }[];
  readonly targets: readonly { readonly id: string; readonly version: number }[];
}

/** Fields whose every change is told, and what they are before anything is. */
const fields: Readonly<Record<string, Facts>> = {
  job: { state: undefined, halted: false },
  task: { state: undefined },
  schedule: { version: undefined, enabled: undefined },
  target: { version: undefined },
};

/** Plays the log from its beginning. Pure. */
export function foldAudit(events: readonly FoldEvent[]): AuditFold {
  const facts = new Map<string, Facts | null>();
  const births = new Map<string, unknown>();
  const faults: string[] = [];
  for (const { id, action, entity, entityId, before, after } of events) {
    const told = fields[entity];
    if (told === undefined) continue;
    const key = `${entity} ${entityId}`;
    const last = facts.get(key) ?? told;
    for (const name of Object.keys(told)) {
      const from = before?.[name];
      if (from !== undefined && last[name] !== undefined && last[name] !== from) {
        faults.push(`event ${id}: ${action} of ${key} begins with ${name} ${from}, by the log it was ${last[name]}`);
      }
    }
    if (action === 'job.create') births.set(entityId, after?.['state']);
    const changed = Object.entries(after ?? {}).filter(([name, value]) => name in told && value !== undefined);
    facts.set(key, action === `${entity}.delete` ? null : { ...last, ...Object.fromEntries(changed) });
  }
  return { facts, births, faults };
}

/** What the rows say otherwise than the log, one sentence each, with the faults of the fold itself; none = state is the fold of the log. */
export function compareFold({ facts, births, faults }: AuditFold, rows: FoldedRows): readonly string[] {
  const differences: string[] = [...faults];
  const compare = (key: string, row: Facts, told: Facts | null | undefined): void => {
    if (told === null) differences.push(`${key} is there, by the log it was deleted`);
    else if (told === undefined) differences.push(`${key} is there, the log does not know it`);
    else {
      for (const [name, value] of Object.entries(row)) {
        if (told[name] !== value) differences.push(`${key} has ${name} ${value}, by the log ${told[name]}`);
      }
    }
  };
  for (const { id, ...row } of rows.jobs) compare(`job ${id}`, row, facts.get(`job ${id}`));
  for (const { id, jobId, state } of rows.tasks) {
    // A task that nothing was told of is as it was born: with its job, in the job's state.
    const told = facts.get(`task ${id}`) ?? (births.has(jobId) ? { state: births.get(jobId) } : undefined);
    compare(`task ${id}`, { state }, told);
  }
  for (const { id, ...row } of rows.schedules) compare(`schedule ${id}`, row, facts.get(`schedule ${id}`));
  for (const { id, ...row } of rows.targets) compare(`target ${id}`, row, facts.get(`target ${id}`));
  for (const [entity, present] of [
    ['schedule', rows.schedules],
    ['target', rows.targets],
  ] as const) {
    const ids = new Set(present.map(({ id }) => `${entity} ${id}`));
    for (const [key, told] of facts) {
      if (key.startsWith(`${entity} `) && told !== null && !ids.has(key)) {
        differences.push(`${key} is not there, by the log it is`);
      }
    }
  }
  return differences;
}

/** Everything a fold is compared with, as it is in one moment. */
export async function readFold(sql: postgres.Sql): Promise<{ events: FoldEvent[]; rows: FoldedRows }> {
  return await sql.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', async (tx) => ({
    events: await tx<FoldEvent[]>`
      SELECT id::text, action, entity, entity_id AS "entityId", before, after FROM audit_events ORDER BY audit_events.id`,
    rows: {
      jobs: await tx<FoldedRows['jobs'][number][]>`SELECT id, state, halted FROM jobs`,
      tasks: await tx<FoldedRows['tasks'][number][]>`SELECT id, job_id AS "jobId", state FROM tasks`,
      schedules: await tx<FoldedRows['schedules'][number][]>`SELECT id, version, enabled FROM schedules`,
      targets: await tx<FoldedRows['targets'][number][]>`SELECT id, version FROM targets`,
    },
  }));
}
