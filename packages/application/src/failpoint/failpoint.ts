import { setTimeout } from 'node:timers/promises';

/** What happens where a failpoint is armed. */
type Action = { readonly kind: 'kill' | 'stop' | 'throw' } | { readonly kind: 'sleep'; readonly ms: number };

interface Armed {
  readonly action: Action;
  /** Passes that go by untouched before it acts, once. */
  passes: number;
}

let armed: ReadonlyMap<string, Armed> | undefined;

/**
 * Arms failpoints for fault tests: `name:kill`, `name:stop`, `name:throw` or `name:sleep(500)`, several separated by commas. `name:kill@3` acts at
 * the third pass; each acts once. Without a specification every failpoint is a no-op. (The idea is etcd's gofail.)
 * @throws Error for text that is none of these
 */
export function armFailpoints(specification: string | undefined): void {
  armed =
    specification === undefined || specification === ''
      ? undefined
      : new Map(specification.split(',').map((text) => parse(text.trim())));
}

/** A named point of the protocol at which a fault test may kill, stop, delay or break this process. */
export function failpoint(name: string): Promise<void> | undefined {
  return armed === undefined ? undefined : pass(name);
}

async function pass(name: string): Promise<void> {
  const point = armed?.get(name);
  if (point === undefined) return;
  point.passes -= 1;
  if (point.passes !== 0) return;
  const { action } = point;
  switch (action.kind) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      // The signal may take a moment, in which nothing more must be done.
      return await new Promise<never>(() => undefined);
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      return await setTimeout(1);
    case 'throw':
      throw new Error(`failpoint ${name}`);
    case 'sleep':
      return await setTimeout(action.ms);
  }
}

function parse(text: string): [string, Armed] {
  const match = /^([a-z][a-z0-9_.]*):(?:(kill|stop|throw)|sleep\((\d+)\))(?:@([1-9]\d*))?$/.exec(text);
  const [, name, plain, ms, at = '1'] = match ?? [];
  if (name === undefined) throw new Error(`expected a failpoint as name:kill|stop|throw|sleep(ms)[@n], got: ${text}`);
  const action: Action =
    plain === undefined ? { kind: 'sleep', ms: Number(ms) } : { kind: plain as 'kill' | 'stop' | 'throw' };
  return [name, { action, passes: Number(at) }];
}
