import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';
import { isBuiltInExpressionSql, isBuiltInOperatorSql, isBuiltInTypeSql } from '../catalogue/user-code.ts';

/** A constraint as somebody declared it: its copies in partitions and heirs are part of it. */
export interface Constraint {
  readonly oid: number;
  readonly schema: string;
  /** Its table or domain. */
  readonly owner: string;
  readonly isDomain: boolean;
  readonly name: string;
  /** pg_constraint.contype: c check, f foreign key, n not null (18), u unique, p primary key, x exclusion. */
  readonly type: string;
  /** Of a foreign table, whose rows the server never checks. */
  readonly foreign: boolean;
  /** Checking it runs no function that somebody defined. */
  readonly builtIn: boolean;
  /** The statement that validates it. */
  readonly validate: string;
}

/** A trigger by which the server enforces a constraint, switched off. */
export interface DisabledTrigger {
  readonly table: string;
  /** `check` looks at new rows, `action` at deleted and changed keys, `recheck` at values that were to be unique. */
  readonly side: 'check' | 'action' | 'recheck';
  /** It fires in replication sessions alone (R), or never (D). */
  readonly mode: 'D' | 'R';
  readonly enable: string;
}

export interface DisabledConstraint extends Constraint {
  readonly triggers: readonly DisabledTrigger[];
}

export interface ConstraintFacts {
  /** Constraints that could be found invalid: enforced, declared. */
  readonly declared: number;
  readonly notValidated: readonly Constraint[];
  readonly disabled: readonly DisabledConstraint[];
}

const notEnforcedSince = 180000;

const enforcedSql = (serverVersion: number): string => (serverVersion >= notEnforcedSince ? 'con.conenforced' : 'true');

/** A constraint is built in by its expression, or by the operators and the types that its key is compared by. */
const builtInSql = `CASE con.contype
    WHEN 'c' THEN ${isBuiltInExpressionSql('con.conbin::text')}
    WHEN 'f' THEN NOT EXISTS (SELECT FROM unnest(con.conpfeqop) AS op (oid) WHERE NOT ${isBuiltInOperatorSql('op.oid')})
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE ((a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey))
        OR (a.attrelid = con.confrelid AND a.attnum = ANY (con.confkey))) AND NOT ${isBuiltInTypeSql('a.atttypid')})
    ELSE true END`;

const ofTables = `FROM pg_constraint con JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE con.conislocal AND con.conparentid = 0 AND ${usersTableSql}`;

/** Constraints of domains have conrelid 0. */
const ofDomains = `FROM pg_constraint con JOIN pg_type t ON t.oid = con.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')`;

const tableFields = `con.oid, n.nspname::text AS schema, c.relname::text AS owner, false AS "isDomain", con.conname::text AS name,
  con.contype::text AS type, c.relkind = 'f' AS foreign, ${builtInSql} AS "builtIn",
  format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', n.nspname, c.relname, con.conname) AS validate`;

const notValidatedSql = (serverVersion: number): string => `
SELECT ${tableFields}
${ofTables} AND con.contype IN ('c', 'f', 'n') AND NOT con.convalidated AND ${enforcedSql(serverVersion)}
UNION ALL
SELECT con.oid, n.nspname::text, t.typname::text, true, con.conname::text, con.contype::text, false, ${builtInSql},
  format('ALTER DOMAIN %I.%I VALIDATE CONSTRAINT %I', n.nspname, t.typname, con.conname)
${ofDomains} AND NOT con.convalidated AND ${enforcedSql(serverVersion)}
ORDER BY 2, 3, 5`;

const declaredSql = (serverVersion: number): string => `
SELECT ((SELECT count(*) ${ofTables} AND con.contype <> 't' AND ${enforcedSql(serverVersion)}) + (SELECT count(*) ${ofDomains}))::float8 AS declared`;

/** Triggers of partitions count to the constraint that was declared, above. */
const disabledSql = `
WITH RECURSIVE off AS (
  SELECT t.oid AS trigger, t.tgconstraint AS constraint FROM pg_trigger t
  WHERE t.tgisinternal AND t.tgenabled IN ('D', 'R') AND t.tgconstraint <> 0
  UNION ALL
  SELECT off.trigger, con.conparentid FROM off JOIN pg_constraint con ON con.oid = off.constraint WHERE con.conparentid <> 0)
SELECT ${tableFields}, (
    SELECT json_agg(json_build_object('table', s.nspname || '.' || r.relname, 'mode', t.tgenabled,
      'side', CASE WHEN con.contype <> 'f' THEN 'recheck' WHEN p.proname LIKE 'RI\\_FKey\\_check%' THEN 'check' ELSE 'action' END,
      'enable', format('ALTER TABLE %I.%I ENABLE TRIGGER %I', s.nspname, r.relname, t.tgname)) ORDER BY s.nspname, r.relname, t.tgname)
    FROM off JOIN pg_trigger t ON t.oid = off.trigger JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_namespace s ON s.oid = r.relnamespace
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE off.constraint = con.oid) AS triggers
${ofTables} AND con.oid IN (SELECT off.constraint FROM off)
ORDER BY 2, 3, 5`;

/** Reads the catalogue alone, which anybody may, and opens no relation: nothing here waits for a lock. */
export async function readConstraints(reader: TargetReader): Promise<ConstraintFacts> {
  const [row] = await reader.query<{ declared: number }>(declaredSql(reader.serverVersion));
  return {
    declared: row?.declared ?? 0,
    notValidated: await reader.query<Constraint>(notValidatedSql(reader.serverVersion)),
    disabled: await reader.query<DisabledConstraint>(disabledSql),
  };
}
