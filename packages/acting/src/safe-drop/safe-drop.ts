import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { runConcurrently } from '../run-concurrently.ts';
import { type GuardedIndex, readGuardedIndexes } from './guarded-index.ts';
import { judgeUsage } from './judge-usage.ts';
import { proveHarmless } from './prove-harmless.ts';
import { readRestorable } from './restore-statements.ts';
import type { SafeDropLimits } from './safe-drop-limits.ts';
import { readResetMs } from './statement-counters.ts';
import { statementDetail } from './statements-before.ts';
import { type EarlierCounters, toWatchBaseline } from './watch-baseline.ts';

/** An index that is to go, as it was planned. */
export interface SafeDrop {
  readonly step: PlannedStep;
  /** It must not have been used for so many days, on any node; null = its use does not matter. */
  readonly unusedDays: number | null;
  /** Of the statements, at a look not long ago: see `toWatchBaseline`. */
  readonly earlier: EarlierCounters | undefined;
}

type DropRun = Pick<
  StepRun<SafeDropLimits>,
  | 'session'
  | 'observer'
  | 'signal'
  | 'progress'
  | 'remnant'
  | 'memory'
  | 'standbys'
  | 'config'
  | 'effect'
  | 'rollbackPoint'
  | 'watch'
>;

/**
 * Drops an index that a check found superfluous, one safeguard after the other: guards and rights once more, use on all nodes, a rehearsal on the statements
 * of its table, a rollback point, then DROP INDEX CONCURRENTLY behind the start gate, verified, and a watch over what comes of it. Whatever speaks
 * against it leaves the index as it was.
 */
export async function safeDrop(run: DropRun, drop: SafeDrop): Promise<StepOutcome> {
  const { step } = drop;
  const { schema, name, oid } = step.object;
  const found = await readGuardedIndexes(run.observer, [`${schema}.${name}`]);
  const index = found.find((each) => each.schema === schema && each.name === name);
  if (index === undefined) return { kind: 'skipped', reason: 'index_gone' };
  if (index.oid !== oid || index.quoted !== step.key) return { kind: 'skipped', reason: 'replaced_since_planned' };
  const [guard] = index.guards;
  if (guard !== undefined) return { kind: 'skipped', reason: guard };
  if (!index.permitted) return lackingRights(index);
  const used = await usageOf(run, index, drop.unusedDays);
  if (used.kind === 'kept') return { kind: 'skipped', reason: used.reason, result: { nodes: used.nodes } };
  const proof = await proveHarmless(run, index, run.config);
  if (proof.kind === 'refused') return { kind: 'skipped', reason: proof.reason, result: proof.result };
  return await dropProven(run, drop, index, { proof, nodes: used.nodes });
}

interface Proven {
  readonly proof: Extract<Awaited<ReturnType<typeof proveHarmless>>, { kind: 'proven' }>;
  readonly nodes: JsonObject;
}

async function dropProven(
  run: DropRun,
  { step, earlier }: SafeDrop,
  index: GuardedIndex,
  { proof, nodes }: Proven,
): Promise<StepOutcome> {
  const { observer, config } = run;
  const restorable = await readRestorable(observer, index.quoted);
  if (restorable === undefined) return { kind: 'skipped', reason: 'index_gone' };
  const { source, statements, rehearsal } = proof;
  const settlePoint = await run.rollbackPoint({
    object: index.quoted,
    summary: `index ${index.quoted} on ${index.table}: ${index.definition}`,
    statements: [...restorable.statements, ...(restorable.analyze === null ? [] : [restorable.analyze])],
  });
  const resetMs = source === null ? null : await readResetMs(observer, source);
  const baseline = toWatchBaseline(index, statements, earlier, resetMs);
  const settleWatch =
    config.watch_hours === 0 || baseline.statements.length === 0
      ? async () => undefined
      : await run.watch({
          object: index.quoted,
          table: index.table,
          baseline,
          rule: {
            minCalls: config.watch_min_calls,
            maxSlowerPercent: config.watch_max_slower_percent,
            rollBackWhenWorse: config.roll_back_when_worse,
          },
          lookEverySeconds: config.watch_every_minutes * 60,
          lastsSeconds: config.watch_hours * 3_600,
        });
  const statement = step.statements.at(-1) ?? '';
  const end = await runConcurrently(
    run,
    { operation: 'drop', statement, tableOid: index.tableOid, schema: index.schema, index: index.name, step: step.key },
    config,
  );
  // What a failed drop had made unusable was rebuilt, and has another OID by now.
  const isGone =
    end.kind === 'done' ? !(await exists(observer, index.oid, '')) : !(await exists(observer, index.oid, index.quoted));
  await settlePoint(isGone ? 'armed' : 'void');
  await settleWatch(isGone ? 'open' : 'void');
  if (end.kind !== 'done') return end;
  if (!isGone) {
    const message = `DROP INDEX of ${step.key} ended with success, but the index is still there`;
    return { kind: 'failed', error: { code: 'not_verified', message } };
  }
  const watched = baseline.statements.map(statementDetail);
  await run.effect({
    action: 'drop_index',
    object: index.quoted,
    objectKind: 'index',
    durationMs: end.durationMs,
    sizeBeforeBytes: index.sizeBytes,
    sizeAfterBytes: 0,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: {
      table: index.table,
      definition: index.definition,
      because: step.data['because'] ?? null,
      rehearsal,
      statements: watched,
    },
  });
  return {
    kind: 'done',
    result: {
      bytes_freed: index.sizeBytes,
      definition: index.definition,
      duration_ms: end.durationMs,
      gate: end.gate,
      ...(Object.keys(nodes).length === 0 ? {} : { nodes }),
      ...rehearsal,
      watched_statements: config.watch_hours === 0 ? 0 : watched.length,
      rollback: restorable.statements,
    },
  };
}

async function usageOf(run: DropRun, index: GuardedIndex, days: number | null) {
  if (days === null) return { kind: 'unused', nodes: {} } as const;
  const [usage, now] = await Promise.all([run.memory.usage(days), run.memory.now()]);
  const nodes = ['primary', ...run.standbys.map((standby) => standby.name)];
  return judgeUsage(
    usage.find(({ oid }) => oid === index.oid),
    { nodes, days, now },
  );
}

async function exists(reader: DropRun['observer'], oid: number, quoted: string): Promise<boolean> {
  const rows = await reader.query(
    `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::oid OR format('%I.%I', n.nspname, c.relname) = $2::text`,
    [oid, quoted],
  );
  return rows.length > 0;
}

function lackingRights({ quoted, grant }: GuardedIndex): StepOutcome {
  const message = `the role may not drop ${quoted} and make it again; cure: ${grant ?? 'only a superuser may'}`;
  return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail: { grant } } };
}
