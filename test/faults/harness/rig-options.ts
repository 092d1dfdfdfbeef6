/** A process of ours: `index` counts from 0 within its kind. */
export interface ProcessRef {
  readonly kind: 'control-plane' | 'worker';
  readonly index: number;
}

/** What a rig is made of. Every default is the least that works. */
export interface RigOptions {
  /** Default 1. */
  readonly controlPlanes?: number;
  /** Default 2. */
  readonly workers?: number;
  /** Databases under care, ids `db1`, `db2` …; all on one server. Default 1. */
  readonly targets?: number;
  /** Default 3, the least. */
  readonly leaseSeconds?: number;
  /** Tasks at a time in one worker. Default 4. */
  readonly concurrency?: number;
  /** Lines of redis.conf, e.g. `['appendonly yes']`. Default: nothing is kept on disk. */
  readonly redisDirectives?: readonly string[];
  /** Environment of one process on top of the rig's own; wins over it (e.g. DATABASE_URL through a proxy). */
  readonly env?: (process: ProcessRef) => Readonly<Record<string, string>>;
  /** Arguments of one process after the rig's own, e.g. `['--tasks', 'CHECKPOINT']`. */
  readonly args?: (process: ProcessRef) => readonly string[];
  /** What a process is started by, e.g. `['ip', 'netns', 'exec', 'cut']`. */
  readonly command?: (process: ProcessRef) => readonly string[];
  /** The checkout a process runs from, e.g. of the release before; its own mains are used then. */
  readonly checkout?: (process: ProcessRef) => string | undefined;
  /** Base URL at which the harness itself reaches a process, e.g. in a network namespace. `port` is the one it listens on. Default: loopback. */
  readonly host?: (process: ProcessRef) => string;
  /** How targets are registered: host and port as workers see them. Default: the server's own. */
  readonly targetAddress?: { readonly host: string; readonly port: number };
  /** SQL that fills each target, run as its owner. The witness's own tables are always there. */
  readonly targetSql?: string;
  /** Done once ledger and Redis are there, before anything of ours is started and before the functions above are asked. */
  readonly prepare?: (made: { readonly databaseUrl: string; readonly redisPort: number }) => Promise<void>;
  /** Resolve before the processes are ready. Default: wait for all of them. */
  readonly dontWait?: boolean;
}
