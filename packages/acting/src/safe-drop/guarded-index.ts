import type { TargetReader } from '@slacktide/application/ports';
import { buildsCorruptIndexes } from '../unsafe-builds.ts';
import { guardsSql } from './guards-sql.ts';

/** An index as it is looked at before it is dropped. */
export interface GuardedIndex {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  readonly tableOid: number;
  /** Quoted. */
  readonly table: string;
  readonly tableSchema: string;
  readonly tableName: string;
  readonly sizeBytes: number | null;
  readonly definition: string;
  /** Why it may not be dropped, whatever it is worth; empty = it may. */
  readonly guards: readonly string[];
  /** To drop it, and to bring it back. */
  readonly permitted: boolean;
  readonly grant: string | null;
  /** To rebuild it: a lesser right from 17 on. */
  readonly rebuildPermitted: boolean;
  readonly rebuildGrant: string | null;
}

/** From 17 on MAINTAIN on the table is the right to REINDEX; before, only the owner has it. */
const maintainSince = 170_000;

const rights = {
  owner: `pg_has_role(x.relowner, 'USAGE')`,
  usage: `has_schema_privilege(n.oid, 'USAGE')`,
  // Not needed to drop it, but to make it again.
  create: `has_schema_privilege(n.oid, 'CREATE')`,
  space: `(x.reltablespace = 0 OR has_tablespace_privilege(x.reltablespace, 'CREATE'))`,
};

const grants = {
  // Nobody is told to become a superuser.
  owner: `CASE WHEN NOT (SELECT rolsuper FROM pg_roles WHERE oid = x.relowner)
      THEN format('GRANT %I TO %I', pg_get_userbyid(x.relowner), current_user) END`,
  usage: `format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user)`,
};

function indexesSql(serverVersion: number): string {
  const hasMaintain = serverVersion >= maintainSince;
  const rebuild = hasMaintain ? `has_table_privilege(t.oid, 'MAINTAIN')` : rights.owner;
  const rebuildGrant = hasMaintain
    ? `format('GRANT MAINTAIN ON TABLE %I.%I TO %I', tn.nspname, t.relname, current_user)`
    : grants.owner;
  return `
SELECT x.oid, n.nspname::text AS schema, x.relname::text AS name, format('%I.%I', n.nspname, x.relname) AS quoted,
  t.oid AS "tableOid", format('%I.%I', tn.nspname, t.relname) AS "table", tn.nspname::text AS "tableSchema", t.relname::text AS "tableName",
  CASE WHEN x.relkind = 'i' THEN pg_relation_size(x.oid)::float8 END AS "sizeBytes", pg_get_indexdef(x.oid) AS definition,
  array_remove(ARRAY[${guardsSql.map(({ reason, condition }) => `CASE WHEN ${condition} THEN '${reason}' END`).join(',\n    ')}${
    buildsCorruptIndexes(serverVersion) ? `,\n    'server_builds_corrupt_indexes'` : ''
  }], NULL) AS guards,
  ${Object.values(rights).join(' AND ')} AS permitted,
  nullif(concat_ws('; ',
    CASE WHEN NOT ${rights.owner} THEN ${grants.owner} END,
    CASE WHEN NOT ${rights.usage} THEN ${grants.usage} END,
    CASE WHEN NOT ${rights.create} THEN format('GRANT CREATE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT ${rights.space} THEN format('GRANT CREATE ON TABLESPACE %I TO %I', (SELECT spcname FROM pg_tablespace WHERE oid = x.reltablespace), current_user) END
  ), '') AS "grant",
  ${rebuild} AND ${rights.usage} AS "rebuildPermitted",
  nullif(concat_ws('; ', CASE WHEN NOT ${rebuild} THEN ${rebuildGrant} END, CASE WHEN NOT ${rights.usage} THEN ${grants.usage} END), '') AS "rebuildGrant"
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE concat(n.nspname, '.', x.relname) = ANY ($1::text[])
ORDER BY n.nspname, x.relname`;
}

/**
 * The indexes of these names (`schema.name`, unquoted) as the catalogue has them now. Rejects with TargetError `lock_timeout` where somebody holds
 * ACCESS EXCLUSIVE on one of them.
 */
export function readGuardedIndexes(reader: TargetReader, names: readonly string[]): Promise<GuardedIndex[]> {
  if (names.length === 0) return Promise.resolve([]);
  return reader.query<GuardedIndex>(indexesSql(reader.serverVersion), [names]);
}
