import type { NewRollbackPoint, NewWatch, StepOutcome, TargetSession } from '@slacktide/application/ports';
import type { JsonObject, WatchState } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { noContext } from '../../../test/support/no-context.ts';
import type { PostgresMajor } from '../../../test/support/postgres.ts';
import { freshTarget } from '../../../test/support/target.ts';
import { type GuardedIndex, readGuardedIndexes, type SafeDropLimits, safeDrop } from '../src/index.ts';

export const limits: SafeDropLimits = {
  gate: 'wait',
  gate_timeout_seconds: 60,
  lock_timeout_seconds: 30,
  max_blocking_seconds: 600,
  require_rehearsal: true,
  max_cost_increase_percent: 20,
  top_statements: 20,
  watch_hours: 72,
  watch_every_minutes: 15,
  watch_min_calls: 20,
  watch_max_slower_percent: 50,
  roll_back_when_worse: true,
};

export interface Dropped {
  readonly outcome: StepOutcome;
  readonly points: readonly (NewRollbackPoint & { state: string })[];
  readonly watches: readonly (NewWatch & { state: WatchState })[];
  readonly remnants: readonly { outcome: string | null }[];
  /** What was sent by the acting session. */
  readonly sent: readonly string[];
}

export interface DropOptions extends Partial<SafeDropLimits> {
  readonly signal?: AbortSignal;
  /** Called before each statement of the acting session. */
  readonly onSend?: (statement: string, session: TargetSession) => Promise<unknown> | undefined;
  readonly onProgress?: (phase: string) => void;
  /** By the superuser rather than the owner. */
  readonly asAdmin?: boolean;
}

/** A database with pg_stat_statements, and what drops indexes there as the worker does. */
export async function openDropRig(major: PostgresMajor, fixture: string) {
  const target = await freshTarget(major);
  await target.admin.query(`CREATE EXTENSION pg_stat_statements; GRANT pg_read_all_stats TO ${target.role}`);
  await target.owner.query(fixture);
  const gateway = createPostgresGateway({ env: { ...target.env, ADMIN: 'postgres' } });
  const admin = new URL(target.address.connection);
  admin.username = 'postgres';
  const applicationName = 'slacktide/test/1';

  const guarded = (...names: readonly string[]): Promise<GuardedIndex[]> =>
    gateway.read(target.address, { applicationName }, (reader) => readGuardedIndexes(reader, names));

  const drop = async (
    name: string,
    { signal, onSend, onProgress, asAdmin = false, ...changed }: DropOptions = {},
  ): Promise<Dropped> => {
    const points: (NewRollbackPoint & { state: string })[] = [];
    const watches: (NewWatch & { state: WatchState })[] = [];
    const remnants: { outcome: string | null }[] = [];
    const sent: string[] = [];
    const address = asAdmin ? { ...target.address, connection: admin.href, secretRef: 'env:ADMIN' } : target.address;
    const [index] = await guarded(name);
    if (index === undefined) throw new Error(`there is no index ${name}`);
    const { oid, schema, quoted } = index;
    const options = { applicationName, statementTimeoutMs: 60_000, signal: signal ?? new AbortController().signal };
    const outcome = await gateway.act(address, options, async (session, observer) => {
      const say = async (statement: string): Promise<void> => {
        sent.push(statement);
        await onSend?.(statement, session);
      };
      const run: Parameters<typeof safeDrop>[0] = {
        session: {
          ...session,
          execute: async (statement, each) => {
            await say(statement);
            return session.execute(statement, each);
          },
          cleanUp: async (statement) => {
            await say(statement);
            return session.cleanUp(statement);
          },
          query: async (statement, parameters) => {
            await say(statement);
            return session.query(statement, parameters);
          },
        },
        observer,
        config: { ...limits, ...changed },
        signal: options.signal,
        progress: ({ phase }) => onProgress?.(phase),
        remnant: async () => {
          const kept: { outcome: string | null } = { outcome: null };
          remnants.push(kept);
          return async (outcome) => void Object.assign(kept, { outcome });
        },
        rollbackPoint: async (point) => {
          const kept = { ...point, state: 'prepared' };
          points.push(kept);
          return async (state) => void Object.assign(kept, { state });
        },
        watch: async (watch) => {
          const kept = { ...watch, state: 'prepared' as const };
          watches.push(kept);
          return async (state) => void Object.assign(kept, { state });
        },
        effect: async () => undefined,
        memory: noContext.memory,
        standbys: [],
      };
      const step = {
        key: quoted,
        object: { kind: 'index', oid, schema, name: index.name },
        statements: [`DROP INDEX CONCURRENTLY ${quoted}`],
        lockMode: null,
        sizeBytes: null,
        expectedSeconds: null,
        reversible: true,
        data: {} as JsonObject,
      } as const;
      return safeDrop(run, { step, unusedDays: null, earlier: undefined });
    });
    return { outcome, points, watches, remnants, sent };
  };

  return {
    target,
    gateway,
    guarded,
    drop,
    /** Lets the statements of this database be counted anew. */
    forget: () =>
      target.admin.query(
        'SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)',
      ),
    /** `name` and whether queries can use it, of the indexes that are there. */
    indexes: async (): Promise<string[]> => {
      const { rows } = await target.admin.query(
        `SELECT relname || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name
         FROM pg_class JOIN pg_index ON indexrelid = oid WHERE oid >= 16384 AND relname !~ '^pg_' ORDER BY 1`,
      );
      return rows.map((row) => row.name);
    },
  };
}
