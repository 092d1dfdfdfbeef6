import type { MaintenanceStatus, StatusQuery } from '@slacktide/contract';
import { careSteps, effectiveCareSettings, type Severity, type Target } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import type { HealthRegistry } from '../health/index.ts';
import type { CheckRun, JobWithTasks, RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { selectTargets } from '../schedule/select-targets.ts';
import { jobView } from '../view/job-view.ts';

const careType = 'POSTGRES_CARE';
/** As many jobs of each state are counted, and as many of a target are looked through for its latest care. */
const mostJobs = 200;

type StatusDeps = Pick<Deps, 'ledger'> & { readonly health: Pick<HealthRegistry, 'report'> };

/** How the fleet is, and how care of each target stands. @throws AppError `not_found` for a target that does not exist */
export async function maintenanceStatus(
  deps: StatusDeps,
  _ctx: RequestContext,
  query: StatusQuery,
): Promise<MaintenanceStatus> {
  const { targets: store, jobs } = deps.ledger;
  const page =
    query.target_id === undefined
      ? await store.list({ limit: query.limit, cursor: query.cursor })
      : { items: [found(await store.get(query.target_id), 'target', query.target_id)], nextCursor: null };
  const [running, pending, dueAt, { status }] = await Promise.all([
    jobs.list({ limit: mostJobs }, { state: 'RUNNING' }),
    jobs.list({ limit: mostJobs }, { state: 'PENDING' }),
    careDueTimes(deps),
    deps.health.report(),
  ]);
  const items = [];
  for (const target of page.items) items.push(await statusOf(deps, target, dueAt.get(target.id) ?? null));
  return {
    status,
    jobs: {
      running: running.items.length,
      pending: pending.items.length,
      capped: running.nextCursor !== null || pending.nextCursor !== null,
    },
    items,
    next_cursor: page.nextCursor,
  };
}

/** When care of each target is due next, by the soonest enabled schedule that has it. */
async function careDueTimes({ ledger }: StatusDeps): Promise<ReadonlyMap<string, Date>> {
  const due = new Map<string, Date>();
  let cursor: string | undefined;
  do {
    const page = await ledger.schedules.list({ limit: 200, cursor }, { enabled: true });
    for (const schedule of page.items) {
      if (schedule.nextDueAt === null || !schedule.tasks.some(({ type }) => type === careType)) continue;
      for (const { id } of await selectTargets(ledger.targets, schedule.targets)) {
        const earlier = due.get(id);
        if (earlier === undefined || schedule.nextDueAt < earlier) due.set(id, schedule.nextDueAt);
      }
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return due;
}

type TargetStatus = MaintenanceStatus['items'][number];

async function statusOf({ ledger }: StatusDeps, { id }: Target, dueAt: Date | null): Promise<TargetStatus> {
  const [layers, runs, jobs, ...open] = await Promise.all([
    ledger.care.layers(id),
    ledger.findings.latestRuns(id),
    ledger.jobs.list({ limit: mostJobs }, { targetId: id }),
    ledger.findings.countOpen(id, 'info'),
    ledger.findings.countOpen(id, 'warning'),
    ledger.findings.countOpen(id, 'critical'),
  ]);
  const { settings } = effectiveCareSettings(layers);
  const [info, warning, critical] = open;
  return {
    target_id: id,
    enabled: settings.operational.maintenance_tasks.enabled,
    last_run: lastRunView(jobs.items),
    next_due_at: dueAt?.toISOString() ?? null,
    open_findings: { info, warning, critical } satisfies Record<Severity, number>,
    steps: careSteps.map((step) => {
      const intervalSeconds = step.intervalSeconds(settings.features);
      const lastRunAt = lastRunOf(step.checks, runs);
      const due =
        lastRunAt === null || intervalSeconds === 0 ? null : new Date(lastRunAt.getTime() + intervalSeconds * 1000);
      return {
        key: step.key,
        title: step.title,
        enabled: step.enabled(settings.features),
        interval_seconds: intervalSeconds,
        last_run_at: lastRunAt?.toISOString() ?? null,
        due_at: due?.toISOString() ?? null,
      };
    }),
  };
}

function lastRunView(jobs: readonly JobWithTasks[]): TargetStatus['last_run'] {
  const job = jobs.find(({ finishedAt, tasks }) => finishedAt !== null && tasks.some(({ type }) => type === careType));
  if (job === undefined) return null;
  const status = jobView(job).result?.['status'];
  return {
    job_id: job.id,
    at: job.scheduledFor.toISOString(),
    state: job.state,
    status: typeof status === 'string' ? status : null,
  };
}

/** The oldest of the latest runs of these checks; null while one never ran. */
function lastRunOf(checks: readonly string[], runs: readonly CheckRun[]): Date | null {
  const times = checks.map((check) => runs.find((run) => run.check === check)?.at.getTime());
  if (times.length === 0 || times.includes(undefined)) return null;
  return new Date(Math.min(...times.filter((at) => at !== undefined)));
}
