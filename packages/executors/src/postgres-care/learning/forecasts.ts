import type { GaugeFilter, NewLearning, StepRun } from '@slacktide/application/ports';
import type { CareSettings, JsonObject } from '@slacktide/domain';
import { carryForward, type Forecast, forecast } from '@slacktide/learning';
import { summaryKey } from '../facts.ts';
import type { PostgresCareConfig } from '../schema.ts';

/** A figure that something has to be done about when it reaches a threshold. */
interface Subject {
  readonly subject: 'index_bloat' | 'table_bloat' | 'database_size' | 'transaction_ids' | 'multixacts' | 'sequence';
  readonly filter: GaugeFilter;
  /** By its value now; most do not depend on it. */
  readonly threshold: (latest: number) => number;
}

/** How far back: growth of a year ago tells little about next week. */
const days = 90;
const mostObjects = 200;
/** The server stops assigning ids three million before they wrap around (`xidStopLimit`, and `multiStopLimit` likewise). */
const lastId = 2 ** 31 - 3_000_000;
/** A sequence not yet half used is not worth a forecast. */
const leastUsedPercent = 1;
/** What the document counts: needs within a week, and what is worth a recommendation within a month. */
const soonDays = 7;
const recommendDays = 30;

function subjects({ features }: CareSettings): readonly Subject[] {
  const of = (kind: GaugeFilter['kind'], gauge: string, atLeast: number): GaugeFilter => ({
    kind,
    gauge,
    days,
    atLeast,
    limit: mostObjects,
  });
  const { bloat_threshold } = features.index_health;
  return [
    { subject: 'index_bloat', filter: of('index', 'waste_percent', 0), threshold: () => bloat_threshold },
    { subject: 'table_bloat', filter: of('table', 'waste_percent', 0), threshold: () => tableBloatPercent },
    { subject: 'database_size', filter: of('database', 'size_bytes', 0), threshold: (latest) => 2 * latest },
    { subject: 'transaction_ids', filter: of('database', 'xid_age', 0), threshold: () => lastId },
    { subject: 'multixacts', filter: of('database', 'multixact_age', 0), threshold: () => lastId },
    { subject: 'sequence', filter: of('sequence', 'used_percent', leastUsedPercent), threshold: () => 100 },
  ];
}

/** From which a table is compacted. */
const tableBloatPercent = 40;

/** Foretells of every watched figure when it reaches its threshold, or says why it cannot; keeps that, and gives the part of the run's document. */
export async function foretell(
  run: Pick<StepRun<PostgresCareConfig>, 'memory' | 'learn'>,
  settings: CareSettings,
  now: Date,
): Promise<JsonObject> {
  const learned: NewLearning[] = [];
  let needs = 0;
  let recommendations = 0;
  let tooLittle = 0;
  for (const { subject, filter, threshold } of subjects(settings)) {
    for (const { name, readings } of await run.memory.gauges(filter)) {
      const known = readings.map(({ at, value }) => ({ at, value, filenode: null }));
      const limit = threshold(readings.at(-1)?.value ?? 0);
      const foretold = forecast(carryForward(known, now), { threshold: limit, now });
      const inDays = soonest(foretold);
      if (subject === 'index_bloat' && inDays !== null && inDays <= soonDays) needs += 1;
      if (inDays !== null && inDays <= recommendDays) recommendations += 1;
      if (foretold.kind === 'not_enough_data') tooLittle += 1;
      learned.push({
        key: `${subject}:${name}`,
        value: { subject, object: name, threshold: limit, ...forecastJson(foretold) },
      });
    }
  }
  const document = {
    predicted_reindex_needs: needs,
    recommendations,
    forecasts: learned.length,
    not_enough_data: tooLittle,
  };
  await run.learn('forecast', [{ key: summaryKey, value: document }, ...learned]);
  return document;
}

/** Days until the threshold as it most likely is; null = not foreseen. */
function soonest(foretold: Forecast): number | null {
  if (foretold.kind === 'reached') return 0;
  return foretold.kind === 'forecast' ? foretold.days.likely : null;
}

function forecastJson(foretold: Forecast): JsonObject {
  const { kind } = foretold;
  if (kind === 'not_enough_data') return { kind, readings: foretold.readings, span_days: rounded(foretold.spanDays) };
  if (kind === 'reached') return { kind, value: foretold.value };
  const { value, perDay, backTest } = foretold;
  return {
    kind,
    value: rounded(value),
    per_day: { low: rounded(perDay.low), likely: rounded(perDay.likely), high: rounded(perDay.high) },
    back_tested_error_percent: backTest === null ? null : rounded(backTest.errorPercent),
    back_tested_points: backTest?.points ?? 0,
    ...(kind === 'flat' ? {} : { horizon_days: rounded(foretold.horizonDays) }),
    ...(kind === 'forecast'
      ? {
          days: {
            low: rounded(foretold.days.low),
            likely: rounded(foretold.days.likely),
            high: foretold.days.high === null ? null : rounded(foretold.days.high),
          },
        }
      : {}),
  };
}

/** Four digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
