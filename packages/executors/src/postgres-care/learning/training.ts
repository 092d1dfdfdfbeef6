import { planStatements } from '@slacktide/acting';
import type { StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { isSlow, queryFeatures, queryShape, type RiskSample, type Training, trainRiskModel } from '@slacktide/learning';
import { summaryKey } from '../facts.ts';
import type { PostgresCareConfig } from '../schema.ts';
import { watchStatements } from './watch.ts';

/** Those that take most time: each has to be planned. */
const mostStatements = 200;

/** Under which the judge is kept. */
export const modelKey = 'query_risk';

export type Trained =
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null }
  | { readonly kind: 'trained'; readonly document: JsonObject };

/** Trains the judge of statements on the last day, and keeps it, whether it won against the trivial rule or not: only a winner is used. */
export async function train(
  run: Pick<StepRun<PostgresCareConfig>, 'observer' | 'memory' | 'learn'>,
  now: Date,
): Promise<Trained> {
  const watched = await watchStatements(run, now);
  if (watched.kind === 'unusable') return watched;
  const statements = watched.statements
    .slice(0, mostStatements)
    .flatMap((statement) => (statement.query === null ? [] : [{ ...statement, query: statement.query }]));
  const plans = await planStatements(
    run.observer,
    statements.map(({ query }) => query),
  );
  const samples: RiskSample[] = [];
  for (const [position, { id, query, windows, usual }] of statements.entries()) {
    const shape = await queryShape(query);
    // What touches no table teaches nothing of tables: most of it are questions about the session.
    if (shape === undefined || shape.counts.relations === 0) continue;
    const planned = plans[position];
    const features = queryFeatures(shape, planned?.kind === 'planned' ? planned.plan : null);
    for (const { at, meanMs } of windows) {
      samples.push({ id, at, features, slow: isSlow({ usualMs: usual?.meanMs }, meanMs) });
    }
  }
  const training = trainRiskModel(samples, now);
  const document = trainingDocument(training);
  const earlier = (await run.memory.learned('model')).filter(({ key }) => key === modelKey);
  const model =
    training.kind === 'trained'
      ? [{ key: modelKey, value: { ...training.model } as unknown as JsonObject }]
      : // What was learned before holds until there is something better.
        earlier.map(({ key, value }) => ({ key, value }));
  await run.learn('model', [{ key: summaryKey, value: document }, ...model]);
  return { kind: 'trained', document };
}

/** As the run's document has it: of the model, or why there is none. */
function trainingDocument(training: Training): JsonObject {
  if (training.kind === 'not_enough_data') {
    return { accuracy: null, samples: training.samples, status: 'not_enough_data', reason: training.reason };
  }
  const { score, rule, samples, used } = training.model;
  return {
    accuracy: score.accuracy,
    samples,
    precision: score.precision,
    recall: score.recall,
    rule: {
      name: rule.name,
      accuracy: rule.score.accuracy,
      precision: rule.score.precision,
      recall: rule.score.recall,
    },
    used,
  };
}
