import { randomBytes, randomUUID } from 'node:crypto';
import type { FlowNode, JobFlow } from '@slacktide/application/ports';
import { Redis } from 'ioredis';
import { connectDispatch, type Dispatch, type DispatchOptions } from './connect-dispatch.ts';
import type { Consumers } from './consume-queues.ts';

/** Task types of the tests. */
export const types = ['INDEX_REBUILD', 'MVCC_CLEANUP', 'CHECKPOINT'] as const;

/** A dispatch under keys of its own, with a plain connection to look behind it. */
export interface TestDispatch extends Dispatch, AsyncDisposable {
  readonly prefix: string;
  readonly redis: Redis;
  /** Background faults so far. */
  readonly errors: Error[];
  /** Every key of this dispatch. */
  keys(): Promise<string[]>;
  /** Has `consumers` stopped, without waiting for what they are at, when the test is over. */
  track<T extends Consumers>(consumers: T): T;
}

/** Opens a dispatch for one test; disposing of it stops its workers, removes its keys and closes its connections. */
export function openDispatch(redisUrl: string, options: Partial<DispatchOptions> = {}): TestDispatch {
  const prefix = options.prefix ?? `test-${randomUUID()}`;
  const errors: Error[] = [];
  const dispatch = connectDispatch({
    taskTypes: types,
    onError: (error) => errors.push(error),
    ...options,
    redisUrl,
    prefix,
  });
  const redis = new Redis(redisUrl);
  redis.on('error', () => undefined); // some tests stop their Redis
  const tracked: Consumers[] = [];
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const batch of redis.scanStream({ match: `${prefix}*`, count: 1_000 }))
      found.push(...(batch as string[]));
    return found.sort();
  };
  return {
    ...dispatch,
    prefix,
    redis,
    errors,
    keys,
    track: (consumers) => {
      tracked.push(consumers);
      return consumers;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(tracked.map((consumers) => consumers.stop({ deadlineMs: 0, graceMs: 0 })));
      await dispatch.close();
      if (redis.status === 'ready') {
        const left = await keys();
        if (left.length > 0) await redis.del(left);
      }
      redis.disconnect();
    },
  };
}

/** A flow of `roots`, with a fresh job id. */
export function flowOf(roots: readonly FlowNode[], overrides: Partial<JobFlow> = {}): JobFlow {
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  return { jobId: randomUUID(), generation: 0, trigger: 'schedule', traceparent, roots, ...overrides };
}

/** A task of the first type, unless told otherwise, that runs after `children`. */
export function task(children: readonly FlowNode[] = [], type: string = types[0]): FlowNode {
  return { taskId: randomUUID(), type, children };
}

/** All nodes below `roots`. */
export function nodesOf(roots: readonly FlowNode[]): FlowNode[] {
  return roots.flatMap((node) => [node, ...nodesOf(node.children)]);
}
