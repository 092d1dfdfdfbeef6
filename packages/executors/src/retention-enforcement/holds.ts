import { type ConfigProblem, TargetError, type TargetReader } from '@slacktide/application/ports';
import type { LegalHold } from './schema.ts';

/** A legal hold as the catalogue understands it. */
export interface Hold {
  /** Quoted by the server. */
  readonly column: string;
  /** Its type as the server writes it: an array of it takes the values. */
  readonly type: string;
  readonly values: readonly string[];
}

/** SQL: whether the row of `alias` is on hold; `first` is the number of the parameter with the values of the first hold. Null and false = it is not. */
export function heldSql(holds: readonly Hold[], alias: string, first: number): string {
  return holds
    .map(({ column, type }, index) => `${alias}.${column} OPERATOR(pg_catalog.=) ANY ($${first + index}::${type}[])`)
    .join(' OR ');
}

export function holdParameters(holds: readonly Hold[]): (readonly string[])[] {
  return holds.map(({ values }) => values);
}

interface HoldColumn {
  readonly column: string;
  readonly type: string;
  readonly isBuiltIn: boolean;
}

/**
 * Looks the columns up, and has the server read the values. Only types whose equality is the server's own (built-in ones, enums, domains over these):
 * those of extensions may call other values equal than pg_catalog does, and a row on hold would go.
 */
export async function resolveHolds(
  reader: TargetReader,
  tableOid: number,
  holds: readonly LegalHold[],
  pointer: string,
): Promise<{ readonly holds: readonly Hold[]; readonly problems: readonly ConfigProblem[] }> {
  const resolved: Hold[] = [];
  const problems: ConfigProblem[] = [];
  for (const [index, { column, values }] of holds.entries()) {
    const problem = (key: string, code: string, detail: string): void =>
      void problems.push({ pointer: `${pointer}/legal_hold/${index}${key}`, code, detail });
    const name = JSON.stringify(column);
    const [found] = await reader.query<HoldColumn>(columnSql, [tableOid, column]);
    if (found === undefined) {
      problem('/column', 'unknown_column', `The table has no column ${name}.`);
      continue;
    }
    if (!found.isBuiltIn) {
      problem(
        '/column',
        'hold_type_unsupported',
        `Column ${name} is of type ${found.type}, whose equality is not the server's own.`,
      );
      continue;
    }
    const hold: Hold = { column: found.column, type: found.type, values: values.map(String) };
    const refusal = await refusalOf(reader, hold);
    if (refusal === undefined) resolved.push(hold);
    else
      problem(
        '/values',
        'invalid_hold_value',
        `The values do not fit column ${name} of type ${found.type}: ${refusal}`,
      );
  }
  return { holds: resolved, problems };
}

const columnSql = `
SELECT format('%I', a.attname) AS column, format_type(b.oid, NULL) AS type,
  b.typnamespace = 'pg_catalog'::regnamespace OR b.typtype = 'e' AS "isBuiltIn"
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
WHERE a.attrelid = $1::oid AND a.attname::text = $2::text AND a.attnum > 0 AND NOT a.attisdropped`;

/** The server's word; undefined = it takes them. */
async function refusalOf(reader: TargetReader, { type, values }: Hold): Promise<string | undefined> {
  try {
    await reader.query(`SELECT NULL::${type} OPERATOR(pg_catalog.=) ANY ($1::${type}[]) AS held`, [values]);
    return undefined;
  } catch (error) {
    // 22…: not of this type; 42…: a type that knows no equality.
    if (error instanceof TargetError && /^(22|42)/.test(error.sqlState ?? '')) return error.message;
    throw error;
  }
}
