import type { ConfigProblem, TargetReader } from '@slacktide/application/ports';
import type { IndexCreateConfig } from './schema.ts';

/** A column of the key as the catalogue has it. */
export interface KeyColumn {
  readonly name: string;
  /** `name opclass DESC NULLS …` as CREATE INDEX takes it, quoted by the server. */
  readonly sql: string;
  /** As `KeyElement` of @slacktide/checks has it. */
  readonly operatorClass: string;
  readonly collation: number;
  readonly ordering: number;
}

/** What the index is, but for its name and table; statements are made of its texts, which the server quoted. */
export interface IndexShapeFacts {
  readonly keys: readonly KeyColumn[];
  readonly include: readonly string[];
  /** `USING btree (…) INCLUDE (…) WHERE …`. */
  readonly tail: string;
  /** As the server prints it; null = none. */
  readonly predicate: string | null;
  /** Average bytes of an entry's values; a guess where nothing is known. */
  readonly entryBytes: number;
}

interface Row {
  readonly list: 'columns' | 'include' | 'where_not_null';
  readonly position: number;
  readonly name: string;
  /** Null = there is no such column. */
  readonly quoted: string | null;
  readonly virtual: boolean;
  readonly type: string;
  readonly collation: number;
  readonly bytes: number;
  /** Null = none that fits. */
  readonly operatorClass: string | null;
  readonly quotedClass: string | null;
  /** There is an operator class of the asked name, for whatever type. */
  readonly classKnown: boolean;
}

/** Whether the class takes values of the type `b` as they are: IsBinaryCoercible() of the server. */
const takesSql = `(o.opcintype = b.oid OR o.opcintype = 'anyarray'::regtype AND b.typlen = -1 AND b.typelem <> 0
      OR o.opcintype = 'anyenum'::regtype AND b.typtype = 'e' OR o.opcintype = 'anyrange'::regtype AND b.typtype = 'r'
      OR o.opcintype = 'anymultirange'::regtype AND b.typtype = 'm' OR o.opcintype = 'record'::regtype AND b.typtype = 'c'
      OR EXISTS (SELECT FROM pg_cast k WHERE k.castsource = b.oid AND k.casttarget = o.opcintype AND k.castmethod = 'b' AND k.castcontext = 'i'))`;

const columnsSql = `
WITH asked AS (
  SELECT * FROM unnest($2::text[], $3::int[], $4::text[], $5::text[]) AS asked (list, position, name, opclass)
)
SELECT asked.list, asked.position, asked.name, quote_ident(a.attname) AS quoted, coalesce(a.attgenerated = 'v', false) AS virtual,
  format_type(a.atttypid, a.atttypmod) AS type, a.attcollation::int8::float8 AS collation,
  coalesce(w.avg_width, CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END)::float8 AS bytes,
  class.identity AS "operatorClass", class.quoted AS "quotedClass",
  EXISTS (SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod JOIN pg_namespace n ON n.oid = o.opcnamespace
    WHERE m.amname = $6 AND asked.opclass IN (o.opcname, n.nspname || '.' || o.opcname, format('%I.%I', n.nspname, o.opcname))) AS "classKnown"
FROM asked
LEFT JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attname::text = asked.name AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_namespace s ON s.oid = c.relnamespace
LEFT JOIN pg_stats w ON w.schemaname = s.nspname AND w.tablename = c.relname AND w.attname = a.attname AND w.inherited = (c.relkind = 'p')
LEFT JOIN LATERAL (
  WITH RECURSIVE base AS (
    SELECT t.* FROM pg_type t WHERE t.oid = a.atttypid
    UNION ALL SELECT t.* FROM base JOIN pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
  ) SELECT * FROM base WHERE typtype <> 'd'
) b ON true
LEFT JOIN LATERAL (
  SELECT concat_ws('/', o.opcfamily, o.opcintype, o.opckeytype) AS identity, format('%I.%I', n.nspname, o.opcname) AS quoted
  FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_type i ON i.oid = o.opcintype
  WHERE m.amname = $6 AND ${takesSql} AND CASE WHEN asked.opclass IS NULL THEN o.opcdefault
    ELSE asked.opclass IN (o.opcname, n.nspname || '.' || o.opcname, format('%I.%I', n.nspname, o.opcname)) END
  ORDER BY o.opcintype = b.oid DESC, i.typispreferred DESC, n.nspname = 'pg_catalog' DESC, n.nspname, o.oid LIMIT 1
) class ON true
ORDER BY asked.list, asked.position`;

/** Looks the columns and operator classes up; nothing of the configuration but its looked-up names gets into a statement. */
export async function readColumns(
  reader: TargetReader,
  tableOid: number,
  config: IndexCreateConfig,
): Promise<{ readonly shape: IndexShapeFacts } | { readonly problems: readonly ConfigProblem[] }> {
  const asked = [
    ...config.columns.map(({ name, opclass }, position) => ({ list: 'columns', position, name, opclass })),
    ...config.include.map((name, position) => ({ list: 'include', position, name, opclass: null })),
    ...config.where_not_null.map((name, position) => ({ list: 'where_not_null', position, name, opclass: null })),
  ];
  const rows = await reader.query<Row>(columnsSql, [
    tableOid,
    asked.map(({ list }) => list),
    asked.map(({ position }) => position),
    asked.map(({ name }) => name),
    asked.map(({ opclass }) => opclass),
    config.method,
  ]);
  const problems = [...rows.flatMap((row) => problemOf(row, config)), ...repetitions(rows)];
  return problems.length > 0 ? { problems } : { shape: toShape(rows, config) };
}

function problemOf(row: Row, { columns, method }: IndexCreateConfig): ConfigProblem[] {
  const pointer = `/${row.list}/${row.position}`;
  const name = JSON.stringify(row.name);
  if (row.quoted === null) {
    return [{ pointer, code: 'unknown_column', detail: `Column ${name}: the table has none of this name.` }];
  }
  if (row.virtual) {
    return [{ pointer, code: 'virtual_column', detail: `Column ${name} is virtual, which no index can be on.` }];
  }
  if (row.list !== 'columns' || row.operatorClass !== null) return [];
  const opclass = columns[row.position]?.opclass ?? null;
  if (opclass === null) {
    const detail = `Column ${name} has the type ${row.type}, for which ${method} has no default operator class.`;
    return [{ pointer, code: 'no_operator_class', detail }];
  }
  const quoted = JSON.stringify(opclass);
  return row.classKnown
    ? [
        {
          pointer: `${pointer}/opclass`,
          code: 'operator_class_mismatch',
          detail: `The operator class ${quoted} does not take the type ${row.type} of column ${name}.`,
        },
      ]
    : [
        {
          pointer: `${pointer}/opclass`,
          code: 'unknown_operator_class',
          detail: `${method} has no operator class ${quoted}.`,
        },
      ];
}

/** A column twice in an index is a mistake: it costs, and finds nothing more. */
function repetitions(rows: readonly Row[]): ConfigProblem[] {
  const stored = rows.filter(({ list }) => list !== 'where_not_null');
  return stored.flatMap(({ list, position, name }, at) =>
    stored.slice(0, at).some((earlier) => earlier.name === name)
      ? [
          {
            pointer: `/${list}/${position}`,
            code: 'repeated_column',
            detail: `Column ${JSON.stringify(name)} is in the index twice.`,
          },
        ]
      : [],
  );
}

const descending = 1;
const nullsFirst = 2;

function toShape(rows: readonly Row[], config: IndexCreateConfig): IndexShapeFacts {
  const of = (list: Row['list']): readonly Row[] => rows.filter((row) => row.list === list);
  const keys = of('columns').map((row): KeyColumn => {
    const { order = 'asc', nulls = null, opclass = null } = config.columns[row.position] ?? {};
    const nullsAre = nulls ?? (order === 'desc' ? 'first' : 'last');
    const words = [
      row.quoted,
      ...(opclass === null ? [] : [row.quotedClass]),
      ...(order === 'desc' ? ['DESC'] : []),
      ...(nulls === null ? [] : [`NULLS ${nulls.toUpperCase()}`]),
    ];
    return {
      name: row.name,
      sql: words.join(' '),
      operatorClass: row.operatorClass ?? '',
      collation: row.collation,
      ordering: (order === 'desc' ? descending : 0) | (nullsAre === 'first' ? nullsFirst : 0),
    };
  });
  const included = of('include');
  const tests = of('where_not_null').map(({ quoted }) => `(${quoted} IS NOT NULL)`);
  const predicate = tests.length === 0 ? null : tests.length === 1 ? (tests[0] ?? null) : `(${tests.join(' AND ')})`;
  return {
    keys,
    include: included.map(({ name }) => name),
    predicate,
    tail: [
      `USING ${config.method} (${keys.map(({ sql }) => sql).join(', ')})`,
      ...(included.length === 0 ? [] : [`INCLUDE (${included.map(({ quoted }) => quoted).join(', ')})`]),
      ...(predicate === null ? [] : [`WHERE ${predicate}`]),
    ].join(' '),
    entryBytes: [...of('columns'), ...included].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
