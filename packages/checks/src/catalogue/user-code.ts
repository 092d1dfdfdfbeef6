/** First OID that is not pinned: older ones are the server's own, and nobody can change or replace them. */
const firstUnpinned = 12_000;
/** First OID of what was made after initdb. */
const firstUsers = 16_384;

/**
 * SQL condition: planning a query of the table `relation` (an OID), or reading it, may run functions that somebody defined, with the rights of
 * whoever asks: in an index, a constraint, a partition key or extended statistics. Dependencies on pinned functions are not recorded.
 */
export function carriesUserCodeSql(relation: string): string {
  return `EXISTS (SELECT FROM (
      SELECT 'pg_class'::regclass AS classid, ${relation} AS objid
      UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i WHERE i.indrelid = ${relation}
      UNION ALL SELECT 'pg_constraint'::regclass, con.oid FROM pg_constraint con WHERE con.conrelid = ${relation}
      UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s WHERE s.stxrelid = ${relation}) part
    JOIN pg_depend used ON used.classid = part.classid AND used.objid = part.objid
    WHERE used.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass))`;
}

/** SQL condition: values of the type (an OID) are compared, and tested, by code of the server's own. */
export function isBuiltInTypeSql(type: string): string {
  return `(${type} < ${firstUsers} OR EXISTS (SELECT FROM pg_type known WHERE known.oid = ${type}
      AND (known.typtype = 'e' OR (known.typtype = 'd' AND known.typbasetype < ${firstUsers}))))`;
}

/** SQL condition: the operator (an OID), and what it calls, is the server's own. */
export function isBuiltInOperatorSql(operator: string): string {
  return `EXISTS (SELECT FROM pg_operator known JOIN pg_proc p ON p.oid = known.oprcode
      WHERE known.oid = ${operator} AND known.oid < ${firstUnpinned} AND ${harmlessSql})`;
}

/** Of functions of the server's own, volatile ones can have effects, and some others run what a view or a query text says. */
const harmlessSql = `p.oid < ${firstUnpinned} AND p.provolatile <> 'v' AND p.proname !~ '_to_xml'`;

/** Nodes that call nothing but what they name; with the short names they had before 16. */
const harmlessNodes = [
  'ARRAY',
  'ARRAYEXPR',
  'BOOLEANTEST',
  'BOOLEXPR',
  'CASE',
  'CASEEXPR',
  'CASETESTEXPR',
  'CASEWHEN',
  'COALESCE',
  'COALESCEEXPR',
  'COERCETODOMAINVALUE',
  'COERCEVIAIO',
  'CONST',
  'DISTINCTEXPR',
  'FUNCEXPR',
  'MINMAX',
  'MINMAXEXPR',
  'NULLIFEXPR',
  'NULLTEST',
  'OPEXPR',
  'RELABELTYPE',
  'SCALARARRAYOPEXPR',
  'VAR',
  'WHEN',
];

/**
 * SQL condition: the expression with this node tree (text, never null) runs code of the server's own alone, without effects. Whatever is not
 * known to be so is not.
 */
export function isBuiltInExpressionSql(tree: string): string {
  const found = (pattern: string): string => `regexp_matches(${tree}, '${pattern}', 'g') AS found (groups)`;
  return `(NOT EXISTS (SELECT FROM ${found('\\{([A-Z]+)')} WHERE found.groups[1] <> ALL ('{${harmlessNodes.join(',')}}'))
    AND NOT EXISTS (SELECT FROM ${found(':(?:funcid|opfuncid) ([1-9]\\d*)')}
      WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = found.groups[1]::oid AND ${harmlessSql}))
    AND NOT EXISTS (SELECT FROM ${found(':opno (\\d+)')} WHERE NOT ${isBuiltInOperatorSql('found.groups[1]::oid')})
    AND NOT EXISTS (SELECT FROM ${found(':[a-z_]*type(?:id|Id)? (\\d+)')} WHERE NOT ${isBuiltInTypeSql('found.groups[1]::oid')}))`;
}
