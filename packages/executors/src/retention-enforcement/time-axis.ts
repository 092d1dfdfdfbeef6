import type { TargetReader } from '@slacktide/application/ports';
import { type Period, periodOf } from './period.ts';
import type { RetentionRule } from './schema.ts';

/** By what a column tells the age of its row. Integers of every width are compared as int8. */
export type AxisType = 'date' | 'timestamp' | 'timestamptz' | 'int8';

/** The column that tells the age. */
export interface TimeAxis {
  /** Quoted by the server. */
  readonly column: string;
  readonly type: AxisType;
}

/** Rows before this go. */
export interface Cutoff {
  /** The moment, by the clock of the target. */
  readonly at: string;
  /** The same as a value of the column. */
  readonly value: string;
}

const unitsPerSecond = { seconds: 1, milliseconds: 1_000, microseconds: 1_000_000 } as const;

/** Undefined = a column of this type tells no age, or only with a unit. */
export function axisTypeOf(typeName: string | null, unit: RetentionRule['unit']): AxisType | undefined {
  switch (typeName) {
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return unit === null ? typeName : undefined;
    case 'int2':
    case 'int4':
    case 'int8':
      return unit === null ? undefined : 'int8';
    default:
      return undefined;
  }
}

/** What every value of the column is at least. */
export function lowestOf(type: AxisType): string {
  return type === 'int8' ? '-9223372036854775808' : '-infinity';
}

/** SQL: an instant in `c` (timestamptz) as a value of the column. Timestamps without a zone, and dates, are UTC. */
function valueSql(type: AxisType, unit: RetentionRule['unit']): string {
  switch (type) {
    case 'timestamptz':
      return 'c';
    case 'timestamp':
      return `c AT TIME ZONE 'UTC'`;
    // A day is over when the next begins: of the day that is under way nothing goes.
    case 'date':
      return `(c AT TIME ZONE 'UTC')::date`;
    case 'int8':
      return `floor(extract(epoch FROM c) * ${unitsPerSecond[unit ?? 'seconds']})::int8`;
  }
}

/** From when on rows are kept, by the target's clock. */
export async function readCutoff(
  reader: TargetReader,
  type: AxisType,
  rule: Pick<RetentionRule, 'keep_days' | 'keep' | 'unit'>,
): Promise<Cutoff> {
  const { days, hours }: Period = periodOf(rule);
  const [cutoff] = await reader.query<Cutoff>(
    `SELECT c::text AS at, (${valueSql(type, rule.unit)})::text AS value
FROM (SELECT clock_timestamp() - make_interval(days => $1::int, hours => $2::int) AS c) AS clock`,
    [days, hours],
  );
  if (cutoff === undefined) throw new Error('a SELECT of one row returned none');
  return cutoff;
}
