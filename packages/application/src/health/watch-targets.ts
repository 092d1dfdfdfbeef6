import type { Target } from '@slacktide/domain';
import { type HealthStore, type LedgerReader, TargetError, type TargetGateway } from '../ports/index.ts';
import { targetModule } from './built-in-modules.ts';

export interface WatchTargetsDeps {
  readonly ledger: Pick<LedgerReader, 'targets'>;
  readonly health: Pick<HealthStore, 'listSignals' | 'putSignal'>;
  readonly gateway: Pick<TargetGateway, 'inspect'>;
  readonly now: () => Date;
}

/** How long what was seen of a target holds; a worker looks again well before. */
const signalLifeSeconds = 120;
const lookAgainAfterMs = 30_000;
/** At once, per worker: enough to get round a fleet, few enough not to be noticed. */
const atOnce = 4;

/** Looks at every target that no worker has looked at lately and says how it is, as signal `target:<id>`. Returns how many. */
export async function watchTargets(deps: WatchTargetsDeps): Promise<number> {
  const signals = new Map((await deps.health.listSignals()).map((signal) => [signal.module, signal.at.getTime()]));
  const due: Target[] = [];
  let cursor: string | undefined;
  do {
    const page = await deps.ledger.targets.list({ limit: 200, cursor });
    due.push(
      ...page.items.filter(({ id }) => deps.now().getTime() - (signals.get(targetModule(id)) ?? 0) > lookAgainAfterMs),
    );
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  const queue = due.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const target of queue) await lookAt(deps, target);
    }),
  );
  return due.length;
}

async function lookAt(deps: WatchTargetsDeps, target: Target): Promise<void> {
  const say = (status: 'HEALTHY' | 'UNHEALTHY', message: string) =>
    deps.health.putSignal({
      module: targetModule(target.id),
      status,
      message: `${target.name}: ${message}`,
      lifeSeconds: signalLifeSeconds,
    });
  try {
    const { serverVersion, database, latencyMs } = await deps.gateway.inspect(target);
    await say('HEALTHY', `PostgreSQL ${serverVersion}, database ${database}, answers in ${Math.round(latencyMs)} ms`);
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    await say('UNHEALTHY', `${error.code}: ${error.message}`);
  }
}
