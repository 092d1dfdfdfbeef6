import { createHash, randomBytes } from 'node:crypto';
import type { NewJob, RequestContext } from '@slacktide/application/ports';
import { type Schedule, type Target, type Task, timeOrderedId } from '@slacktide/domain';

/** Noon of a day with nothing special about it. */
export const noon = new Date('2026-11-22T12:00:00.000Z');

/** Who asks in tests. */
export function sampleContext(changes: Partial<RequestContext> = {}): RequestContext {
  const traceId = randomBytes(16).toString('hex');
  return {
    actor: { kind: 'api_key', id: 'tester', name: 'Tester' },
    traceId,
    traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
    ...changes,
  };
}

/** A claim of the key `key` for a request whose body is `body`. */
export function sampleClaim(key: string, body = 'a body') {
  const requestHash = createHash('sha256').update(body).digest('hex');
  return { key, principal: 'api_key:tester', route: 'POST /schedules', requestHash };
}

export function sampleTarget(changes: Partial<Target> = {}): Target {
  const id = changes.id ?? 'shop';
  return {
    id,
    name: `Target ${id}`,
    kind: 'postgres',
    connection: 'postgresql://maintenance@127.0.0.1:5432/shop',
    secretRef: 'env:SHOP_PASSWORD',
    standbys: [],
    labels: {},
    version: 1,
    createdAt: noon,
    updatedAt: noon,
    ...changes,
  };
}

/** A schedule that names the target `shop`. */
export function sampleSchedule(changes: Partial<Schedule> = {}): Schedule {
  const id = changes.id ?? 'nightly';
  return {
    id,
    name: `Schedule ${id}`,
    description: null,
    cronExpression: '0 2 * * *',
    timezone: 'UTC',
    window: { startHour: 22, endHour: 4 },
    targets: { kind: 'ids', ids: ['shop'] },
    tasks: [{ key: 'rebuild', type: 'INDEX_REBUILD', config: { tables: ['orders'] }, needs: [] }],
    haltOnTaskFailure: true,
    enabled: true,
    misfirePolicy: 'run_once',
    misfireMax: 10,
    catchUpSeconds: 86_400,
    overlapPolicy: 'skip',
    version: 1,
    nextDueAt: noon,
    lastTickAt: null,
    createdAt: noon,
    updatedAt: noon,
    ...changes,
  };
}

/** A PENDING job of the schedule `nightly` on `shop`, with the tasks `rebuild` and `analyse`, one after the other. */
export function sampleJob(changes: Partial<NewJob> = {}): NewJob {
  const scheduledFor = changes.scheduledFor ?? noon;
  const id = changes.id ?? timeOrderedId(scheduledFor, randomBytes(10));
  const traceId = randomBytes(16).toString('hex');
  return {
    id,
    scheduleId: 'nightly',
    targetId: 'shop',
    trigger: 'manual',
    state: 'PENDING',
    reason: null,
    scheduledFor,
    startedAt: null,
    finishedAt: null,
    haltOnTaskFailure: true,
    window: null,
    generation: 1,
    afterJobId: null,
    halted: false,
    cancelRequestedAt: null,
    traceId,
    traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
    requestedBy: 'api_key:tester',
    tasks: [
      sampleTask({ jobId: id, key: 'rebuild', type: 'INDEX_REBUILD', position: 0 }, scheduledFor),
      sampleTask({ jobId: id, key: 'analyse', position: 1, needs: ['rebuild'] }, scheduledFor),
    ],
    ...changes,
  };
}

/** A PENDING task of the job due at `scheduledFor`. */
export function sampleTask(changes: Partial<Task> & Pick<Task, 'jobId'>, scheduledFor: Date = noon): Task {
  return {
    id: timeOrderedId(scheduledFor, randomBytes(10)),
    key: 'analyse',
    type: 'STATISTICS_UPDATE',
    position: 0,
    config: {},
    needs: [],
    state: 'PENDING',
    reason: null,
    attempt: 0,
    crashes: 0,
    timeLimitSeconds: 43_200,
    progress: null,
    result: null,
    error: null,
    startedAt: null,
    finishedAt: null,
    ...changes,
  };
}
