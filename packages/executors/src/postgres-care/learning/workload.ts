import type { NewLearning, StepRun } from '@slacktide/application/ports';
import { type TableWorkload, watchedTables } from '@slacktide/checks';
import { type CheckReport, type JsonObject, objectKey } from '@slacktide/domain';
import { summaryKey } from '../facts.ts';
import type { PostgresCareConfig } from '../schema.ts';

/** A week has all that comes every day and every weekend. */
const tableHours = 168;
/** The busiest; of more the summary tells how many there are. */
const mostTables = 200;

/** Keeps what the load of the database is, as the check `workload` has just told, and of each of its tables by the same rule. `now` is before the check ran. */
export async function learnWorkload(
  run: Pick<StepRun<PostgresCareConfig>, 'observer' | 'memory' | 'learn'>,
  report: CheckReport,
  now: Date,
): Promise<void> {
  // Without one the target refused the look: what was learned before stands.
  if (report.snapshot === undefined) return;
  const [database] = await run.observer.query<{ name: string }>('SELECT current_database()::text AS name');
  const tables = await watchedTables({ reader: run.observer, memory: run.memory, now }, tableHours);
  const kinds = tables.map(({ classified }) =>
    classified.kind === 'classified' ? classified.workloadType : classified.kind,
  );
  const counts = Object.fromEntries(
    ['read-heavy', 'write-heavy', 'mixed', 'not_enough_data'].map((kind) => [
      kind.replace('-', '_'),
      kinds.filter((each) => each === kind).length,
    ]),
  );
  await run.learn('workload', [
    { key: summaryKey, value: { tables: tables.length, ...counts } },
    { key: `database:${database?.name ?? ''}`, value: databaseJson(report, database?.name ?? '') },
    ...tables.slice(0, mostTables).map(toLearning),
  ]);
}

const figureNames = ['read_ratio', 'write_ratio', 'rows_read', 'rows_written', 'hot_ratio', 'since', 'hours'];

function databaseJson({ figures, unknown }: CheckReport, object: string): JsonObject {
  if (figures['workload_type'] === 'unknown') {
    const reason = unknown.find((entry) => entry.object === object)?.reason ?? 'not told';
    return { subject: 'database', object, kind: 'not_enough_data', reason };
  }
  return {
    subject: 'database',
    object,
    kind: 'classified',
    workload_type: figures['workload_type'] ?? null,
    ...Object.fromEntries(figureNames.map((name) => [name, figures[name] ?? null])),
  };
}

function toLearning(table: TableWorkload): NewLearning {
  const { classified, rows, since, resets, partitions } = table;
  const object = objectKey(table);
  const judged: JsonObject =
    classified.kind === 'classified'
      ? {
          kind: 'classified',
          workload_type: classified.workloadType,
          read_ratio: classified.readRatio,
          write_ratio: classified.writeRatio,
        }
      : { kind: 'not_enough_data', reason: classified.reason };
  return {
    key: `table:${object}`,
    value: {
      subject: 'table',
      object,
      ...judged,
      ...rows,
      partitions,
      counted_on: 'primary',
      since: since?.toISOString() ?? null,
      counters_reset: resets,
    },
  };
}
