import { UnrecoverableError } from 'bullmq';

/** What a task's job carries (law 3): the worker reads everything else from the ledger. */
export interface TaskData {
  readonly taskId: string;
  readonly generation: number;
}
export interface FinaliseData {
  readonly jobId: string;
  readonly generation: number;
}
export interface TickData {
  readonly scheduleId: string;
}

/** Largest payload in bytes (law 3). */
const largestBytes = 1024;

/** Returns `data` if it is as small as payloads must be. @throws RangeError otherwise. */
export function smallPayload<T extends object>(data: T): T {
  const sizeBytes = Buffer.byteLength(JSON.stringify(data));
  if (sizeBytes >= largestBytes) throw new RangeError(`expected a payload below ${largestBytes} B, got ${sizeBytes} B`);
  return data;
}

/** Reads what came from Redis, where anybody may have written it. @throws UnrecoverableError: such a job is set aside, never tried again. */
export function readTaskData(data: unknown): TaskData {
  const { taskId, generation } = fields(data);
  return { taskId: readId('taskId', taskId), generation: readGeneration(generation) };
}

/** Like `readTaskData`, for the root of a flow. */
export function readFinaliseData(data: unknown): FinaliseData {
  const { jobId, generation } = fields(data);
  return { jobId: readId('jobId', jobId), generation: readGeneration(generation) };
}

/** Like `readTaskData`, for a tick. */
export function readTickData(data: unknown): TickData {
  return { scheduleId: readId('scheduleId', fields(data)['scheduleId']) };
}

function fields(data: unknown): { readonly [key: string]: unknown } {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as { [key: string]: unknown };
  throw malformed('an object');
}

function readId(key: string, id: unknown): string {
  if (typeof id === 'string' && /^[a-z0-9][a-z0-9._-]{0,62}$/.test(id)) return id;
  throw malformed(`an id as ${key}`);
}

function readGeneration(generation: unknown): number {
  if (typeof generation === 'number' && Number.isSafeInteger(generation) && generation >= 0) return generation;
  throw malformed('a generation');
}

// Does not quote what it got: that would be shown, and kept, as it is.
const malformed = (wanted: string): UnrecoverableError =>
  new UnrecoverableError(`malformed payload: expected ${wanted}`);
