import type { TargetReader } from '@slacktide/application/ports';
import type { UnknownObject } from '@slacktide/domain';
import type { IntegrityConfig } from './schema.ts';

/** A function of the extension amcheck, by its name and number of parameters. */
export interface AmcheckFunction {
  readonly name: string;
  readonly parameters: number;
  /** Schema of the function, quoted by the server. */
  readonly schema: string;
  /** The GRANT that lets us call it, quoted by the server; null = we may. */
  readonly grant: string | null;
}

export interface AmcheckFacts {
  /** Null when the extension is not installed. */
  readonly version: string | null;
  /** An ALTER EXTENSION would bring a newer one. */
  readonly outdated: boolean;
  readonly functions: readonly AmcheckFunction[];
}

/** A way to verify relations, or what is missing for it. */
export type Verifier =
  | {
      readonly kind: 'usable' /** Quoted. */;
      readonly schema: string;
      readonly name: string;
      readonly parameters: number;
    }
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null };

export interface Verifiers {
  readonly indexes: Verifier;
  /** Null = not asked for. */
  readonly heaps: Verifier | null;
  /** What was asked for and is left out. */
  readonly reservations: readonly UnknownObject[];
}

/** Functions of the extension, and not those that somebody named alike. */
const factsSql = `
SELECT e.extversion AS version,
  EXISTS (SELECT FROM pg_available_extensions a WHERE a.name = 'amcheck' AND a.default_version <> e.extversion) AS outdated,
  (SELECT coalesce(json_agg(json_build_object('name', p.proname, 'parameters', p.pronargs, 'schema', quote_ident(n.nspname), 'grant',
      nullif(concat_ws('; ',
        CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
        CASE WHEN NOT has_function_privilege(p.oid, 'EXECUTE')
          THEN format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, current_user) END), ''))), '[]')
   FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass) AS functions
FROM pg_extension e WHERE e.extname = 'amcheck'`;

export async function readAmcheck(reader: TargetReader): Promise<AmcheckFacts> {
  const [facts] = await reader.query<AmcheckFacts>(factsSql);
  return facts ?? { version: null, outdated: false, functions: [] };
}

/** What can be verified with: by what the extension has, which may be older than the server. */
export function chooseVerifiers(amcheck: AmcheckFacts, config: IntegrityConfig, inRecovery: boolean): Verifiers {
  const parent = config.parent_check && !inRecovery;
  const name = parent ? 'bt_index_parent_check' : 'bt_index_check';
  // index, heapallindexed; with parents rootdescend too; then checkunique.
  const parameters = parent ? 3 : 2;
  const knowsUnique = amcheck.functions.some((it) => it.name === name && it.parameters === parameters + 1);
  const reservations: UnknownObject[] = [];
  if (config.parent_check && inRecovery) {
    reservations.push({ object: 'amcheck', reason: 'parent_check_refused_on_standby', grant: null });
  }
  if (config.checkunique && amcheck.version !== null && !knowsUnique) {
    const grant = amcheck.outdated ? 'ALTER EXTENSION amcheck UPDATE' : null;
    reservations.push({ object: 'amcheck', reason: 'checkunique_needs_amcheck_1.4', grant });
  }
  return {
    indexes: verifierOf(amcheck, name, config.checkunique && knowsUnique ? parameters + 1 : parameters),
    heaps: config.heap_check ? verifierOf(amcheck, 'verify_heapam', 6) : null,
    reservations,
  };
}

/** The function of that name and number of parameters, or what is missing for it. */
export function verifierOf({ version, functions }: AmcheckFacts, name: string, parameters: number): Verifier {
  if (version === null) return { kind: 'unusable', reason: 'amcheck_missing', grant: 'CREATE EXTENSION amcheck' };
  const found = functions.find((it) => it.name === name && it.parameters === parameters);
  if (found === undefined) {
    return { kind: 'unusable', reason: `amcheck_lacks_${name}`, grant: 'ALTER EXTENSION amcheck UPDATE' };
  }
  const { schema, grant } = found;
  return grant === null
    ? { kind: 'usable', schema, name, parameters }
    : { kind: 'unusable', reason: 'insufficient_privilege', grant };
}
