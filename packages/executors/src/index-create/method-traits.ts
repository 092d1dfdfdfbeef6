import type { ConfigProblem, TargetReader } from '@slacktide/application/ports';
import type { IndexCreateConfig } from './schema.ts';

/** What an access method can do, as the server says. */
export interface MethodTraits {
  readonly order: boolean;
  readonly unique: boolean;
  readonly multiColumn: boolean;
  readonly include: boolean;
}

const traitsSql = `
SELECT pg_indexam_has_property(oid, 'can_order') AS "order", pg_indexam_has_property(oid, 'can_unique') AS "unique",
  pg_indexam_has_property(oid, 'can_multi_col') AS "multiColumn", pg_indexam_has_property(oid, 'can_include') AS include
FROM pg_am WHERE amname = $1 AND amtype = 'i'`;

export async function readMethodTraits(reader: TargetReader, method: string): Promise<MethodTraits> {
  const [traits] = await reader.query<MethodTraits>(traitsSql, [method]);
  if (traits === undefined) throw new Error(`expected the server to have the method ${method}`);
  return traits;
}

/** What is asked of the method that it cannot do. */
export function methodProblems(config: IndexCreateConfig, traits: MethodTraits): ConfigProblem[] {
  const { method } = config;
  const cannot = (pointer: string, what: string): ConfigProblem => ({
    pointer,
    code: 'method_cannot',
    detail: `An index of the method ${method} ${what}.`,
  });
  return [
    ...(config.unique && !traits.unique ? [cannot('/unique', 'cannot be unique')] : []),
    ...(config.columns.length > 1 && !traits.multiColumn ? [cannot('/columns/1', 'takes one column only')] : []),
    ...(config.include.length > 0 && !traits.include ? [cannot('/include', 'cannot include columns')] : []),
    ...config.columns.flatMap(({ order, nulls }, position) =>
      traits.order || (order === 'asc' && nulls === null)
        ? []
        : [cannot(`/columns/${position}/${order === 'desc' ? 'order' : 'nulls'}`, 'does not sort')],
    ),
  ];
}
