/** OID that stands for PUBLIC in access privileges and policies. */
export const publicOid = 0;

/** What the catalogue says of rights: all of it readable by anybody but `passwords` and `hbaRules`. */
export interface SecurityFacts {
  readonly majorVersion: number;
  readonly roles: readonly RoleFacts[];
  readonly memberships: readonly Membership[];
  /** What kind of password each role has, never the password; null = this role may not see. */
  readonly passwords: ReadonlyMap<number, PasswordKind> | null;
  readonly passwordSettings: readonly PasswordSetting[];
  readonly hba: HbaFacts;
  readonly database: DatabaseFacts;
  readonly schemas: readonly SchemaFacts[];
  readonly routines: readonly RoutineFacts[];
  readonly tables: readonly RlsTable[];
  readonly policies: readonly PolicyFacts[];
  readonly views: readonly ViewFacts[];
}

export interface RoleFacts {
  readonly oid: number;
  readonly name: string;
  readonly superuser: boolean;
  readonly createsRoles: boolean;
  readonly replicates: boolean;
  readonly bypassesRls: boolean;
  readonly canLogIn: boolean;
  /** As the server prints it; null = never. */
  readonly validUntil: string | null;
  readonly expired: boolean;
}

/** One grant of `role` to `member`. Before 16 every member may SET ROLE, and inherits as its own attribute says. */
export interface Membership {
  readonly role: number;
  readonly member: number;
  readonly admin: boolean;
  readonly inherits: boolean;
  readonly sets: boolean;
}

export type PasswordKind = 'none' | 'md5' | 'scram-sha-256' | 'other';

/** Where `password_encryption` is md5: for the server, or by ALTER ROLE or ALTER DATABASE. */
export interface PasswordSetting {
  readonly role: string | null;
  readonly database: string | null;
}

export type HbaFacts =
  | { readonly kind: 'read'; readonly rules: readonly HbaRule[]; readonly ssl: boolean }
  | { readonly kind: 'unknown'; readonly reason: string; readonly grant: string | null };

/** One line of pg_hba_file_rules, in the order in which rules are tried. */
export interface HbaRule {
  readonly line: number;
  readonly file: string | null;
  readonly type: string | null;
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly address: string | null;
  readonly netmask: string | null;
  /** Bits of address and mask in hexadecimal; null where the address is a word or a host name. */
  readonly addressHex: string | null;
  readonly netmaskHex: string | null;
  readonly method: string | null;
  /** E.g. `clientcert=verify-full`. */
  readonly options: readonly string[];
  readonly error: string | null;
}

export interface DatabaseFacts {
  readonly name: string;
  readonly owner: number;
  /** Who may create schemas, and temporary objects, in it. */
  readonly creators: readonly number[];
  readonly temporaryCreators: readonly number[];
}

export interface SchemaFacts {
  readonly name: string;
  readonly owner: number;
  /** Who may create objects in it, its owner included. */
  readonly creators: readonly number[];
  /** Who granted CREATE to PUBLIC. */
  readonly publicCreateGrantors: readonly number[];
  /** Neither the system's nor an extension's. */
  readonly users: boolean;
  readonly revokeSql: string;
  readonly grantSql: string;
}

/** A SECURITY DEFINER function or procedure. */
export interface RoutineFacts {
  readonly schema: string;
  readonly name: string;
  /** Types of its input arguments, e.g. `integer, text`. */
  readonly argumentTypes: string;
  readonly kind: 'function' | 'procedure';
  readonly owner: number;
  /** Some trigger calls it: EXECUTE is not asked for then. */
  readonly firesAsTrigger: boolean;
  /** BEGIN ATOMIC: what its names mean was settled when it was created. */
  readonly boundBody: boolean;
  readonly executors: readonly number[];
  /** Its own search_path; null = it has none. */
  readonly path: readonly PathElement[] | null;
  /** Head of ALTER FUNCTION or ALTER PROCEDURE. */
  readonly alterSql: string;
  /** Its schema as a quoted literal. */
  readonly schemaLiteral: string;
}

export interface PathElement {
  readonly name: string;
  readonly literal: string;
}

/** A table with row level security, or with policies. */
export interface RlsTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly owner: number;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly partition: boolean;
  /** Somebody holds or awaits ACCESS EXCLUSIVE: its policies cannot be read without waiting. */
  readonly locked: boolean;
}

export interface PolicyFacts {
  readonly table: number;
  readonly name: string;
  readonly permissive: boolean;
  readonly command: 'all' | 'select' | 'insert' | 'update' | 'delete';
  readonly roles: readonly number[];
  readonly using: string | null;
  readonly check: string | null;
}

export interface ViewFacts {
  readonly schema: string;
  readonly name: string;
  readonly materialized: boolean;
  readonly owner: number;
  readonly securityInvoker: boolean;
  /** Who may read it, its owner included. */
  readonly readers: readonly number[];
  /** Tables with row level security that it reads, and the role as which it does. */
  readonly reads: readonly { readonly table: number; readonly as: number }[];
}
