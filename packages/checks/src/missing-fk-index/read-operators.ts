import type { TargetReader } from '@slacktide/application/ports';

/** What operator families can look up. */
export interface Searches {
  /** Whether indexes of the family can look up what the operator asks for. */
  inFamily(operator: number, family: number): boolean;
  /** Whether an index of this access method can, for which no operator class is named. */
  byDefault(operator: number, method: string): boolean;
}

const searchesSql = `
SELECT DISTINCT p.amopopr AS operator, p.amopfamily AS family, am.amname::text AS method,
  EXISTS (SELECT FROM pg_opclass oc WHERE oc.opcfamily = p.amopfamily AND oc.opcdefault) AS "isDefault"
FROM pg_amop p JOIN pg_am am ON am.oid = p.amopmethod
WHERE p.amopopr = ANY ($1::oid[]) AND p.amoppurpose = 's'`;

/** Reads it for the operators given. */
export async function readSearches(reader: TargetReader, operators: readonly number[]): Promise<Searches> {
  const rows = await reader.query<{ operator: number; family: number; method: string; isDefault: boolean }>(
    searchesSql,
    [[...new Set(operators)]],
  );
  const families = new Set(rows.map(({ operator, family }) => `${operator} ${family}`));
  const defaults = new Set(
    rows.flatMap(({ operator, method, isDefault }) => (isDefault ? [`${operator} ${method}`] : [])),
  );
  return {
    inFamily: (operator, family) => families.has(`${operator} ${family}`),
    byDefault: (operator, method) => defaults.has(`${operator} ${method}`),
  };
}
