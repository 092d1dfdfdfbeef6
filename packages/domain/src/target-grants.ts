/** The majors of PostgreSQL that grants can be told for. */
export const grantMajors = [14, 15, 16, 17, 18] as const;
export type GrantMajor = (typeof grantMajors)[number];

/** One statement for an administrator to run. */
export interface GrantLine {
  /** Complete, and safe to run again, but for CREATE ROLE. */
  readonly statement: string;
  /** What it is needed for, or what to mind. */
  readonly why: string;
  /** `cluster`: once, in any database. `database`: in each database under care. */
  readonly scope: 'cluster' | 'database';
}

/** What no grant gives, or none that should be given. */
export interface RemainingLimit {
  readonly what: string;
  readonly reason: string;
}

export interface TargetGrants {
  /** What it takes to look. */
  readonly observe: readonly GrantLine[];
  /** What acting takes besides. */
  readonly act: readonly GrantLine[];
  readonly remaining: readonly RemainingLimit[];
}

interface GrantsFor {
  readonly major: GrantMajor;
  /** The role Slacktide logs in as. */
  readonly role: string;
  readonly database: string;
}

/** The rights that a role needs on a target, least first: no superuser, and no reading of tables. */
export function targetGrants({ major, role, database }: GrantsFor): TargetGrants {
  const to = identifier(role);
  return {
    observe: observing(major, to, identifier(database)),
    act: acting(major, to, role),
    remaining: remaining(major, to),
  };
}

function observing(major: GrantMajor, to: string, database: string): GrantLine[] {
  const ownDatabase = 'database' as const;
  return [
    {
      statement: `CREATE ROLE ${to} LOGIN`,
      why: 'Slacktide logs in as it. Give it a password with psql’s \\password, which sends no more than its hash',
      scope: 'cluster',
    },
    {
      statement: `GRANT CONNECT ON DATABASE ${database} TO ${to}`,
      why: 'logging in to the database',
      scope: ownDatabase,
    },
    {
      statement: `GRANT pg_monitor TO ${to}`,
      why: 'all sessions, statistics and settings, pgstattuple, and the directories of WAL',
      scope: 'cluster',
    },
    extension('pgstattuple', 'index_bloat and table_bloat measure instead of guessing'),
    extension('pg_stat_statements', 'slow_query_pattern'),
    extension('amcheck', 'integrity'),
    {
      statement: 'ALTER EXTENSION amcheck UPDATE',
      why: 'an upgraded server keeps the functions of the former one',
      scope: ownDatabase,
    },
    ...amcheckSignatures(major).map(
      (signature): GrantLine => ({
        statement: `GRANT EXECUTE ON FUNCTION ${signature} TO ${to}`,
        why: 'integrity: pg_monitor does not include it. Put the schema before it where amcheck is not on your search_path',
        scope: ownDatabase,
      }),
    ),
    {
      statement: `GRANT SELECT ON pg_catalog.pg_hba_file_rules TO ${to}`,
      why: 'security: who may come in from where',
      scope: ownDatabase,
    },
    {
      statement: `GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO ${to}`,
      why: 'security: the view calls it in the name of whoever asks',
      scope: ownDatabase,
    },
  ];
}

function extension(name: string, why: string): GrantLine {
  return { statement: `CREATE EXTENSION IF NOT EXISTS ${name}`, why, scope: 'database' };
}

/** Those of amcheck 1.3 (14 to 16), 1.4 (17) and 1.5 (18). */
function amcheckSignatures(major: GrantMajor): string[] {
  return [
    'bt_index_check(regclass)',
    'bt_index_check(regclass, boolean)',
    ...(major >= 17 ? ['bt_index_check(regclass, boolean, boolean)'] : []),
    'bt_index_parent_check(regclass)',
    'bt_index_parent_check(regclass, boolean)',
    'bt_index_parent_check(regclass, boolean, boolean)',
    ...(major >= 17 ? ['bt_index_parent_check(regclass, boolean, boolean, boolean)'] : []),
    ...(major >= 18 ? ['gin_index_check(regclass)'] : []),
    'verify_heapam(regclass, boolean, boolean, text, bigint, bigint)',
  ];
}

function acting(major: GrantMajor, to: string, role: string): GrantLine[] {
  const owned =
    major >= 17
      ? 'CREATE, DROP and ALTER INDEX, VALIDATE, partitions and retention are the owner’s alone'
      : 'VACUUM, ANALYZE, REINDEX, REFRESH, CREATE and DROP INDEX, VALIDATE, partitions and retention are the owner’s alone';
  return [
    ...(major >= 17
      ? [cluster(`GRANT pg_maintain TO ${to}`, 'VACUUM, ANALYZE, REINDEX, REFRESH and CLUSTER of any table')]
      : []),
    {
      statement: membershipInOwners(role),
      why: `${owned}: it becomes a member of every role that owns tables here, superusers left out. Run it again when another role comes to own some`,
      scope: 'database',
    },
    cluster(`GRANT pg_signal_backend TO ${to}`, 'ending sessions of other roles, but not of superusers'),
    ...(major >= 18
      ? [cluster(`GRANT pg_signal_autovacuum_worker TO ${to}`, 'ending autovacuum workers that are in the way')]
      : []),
    ...(major >= 15 ? [cluster(`GRANT pg_checkpoint TO ${to}`, 'CHECKPOINT')] : []),
  ];
}

function cluster(statement: string, why: string): GrantLine {
  return { statement, why, scope: 'cluster' };
}

/** Who owns tables is for the server to say. */
function membershipInOwners(role: string): string {
  const body = `DECLARE owner name;
BEGIN
  FOR owner IN
    SELECT DISTINCT o.rolname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
    WHERE c.relkind IN ('r', 'p', 'm') AND NOT o.rolsuper AND NOT pg_catalog.pg_has_role(${literal(role)}, o.oid, 'MEMBER')
  LOOP
    EXECUTE pg_catalog.format('GRANT %I TO %I', owner, ${literal(role)});
  END LOOP;
END`;
  return `DO ${literal(body)}`;
}

function remaining(major: GrantMajor, to: string): RemainingLimit[] {
  return [
    {
      what: 'pg_authid',
      reason:
        'what kind of password a role has: only a superuser may see it, and who may read pg_authid reads the hashes as well',
    },
    {
      what: 'pg_stats',
      reason: `statistics on columns of tables it may not read: GRANT pg_read_all_data TO ${to} would show them, together with every row of every table; those of tables with row level security stay hidden even then`,
    },
    {
      what: 'free space',
      reason: 'PostgreSQL cannot see how full a volume is: give its size to the check disk_space as capacity_mb',
    },
    {
      what: 'relation files',
      reason: 'files without a table: only a superuser may list the directories of databases',
    },
    {
      what: 'shared_preload_libraries',
      reason: 'pg_stat_statements counts nothing until it is loaded there, which takes a restart of the server',
    },
    {
      what: 'data checksums',
      reason: 'where they are off nothing counts failures; pg_checksums turns them on while the server is stopped',
    },
    {
      what: 'tables of superusers',
      reason: `only their owner may alter them: give them to another role${major >= 17 ? '' : ', for VACUUM and REINDEX too'}`,
    },
    {
      what: 'schemas',
      reason: `acting on a table takes USAGE of its schema, and CREATE INDEX takes CREATE as well: grant them where the owner’s membership does not bring them`,
    },
    { what: 'sessions of superusers', reason: 'only a superuser may end them' },
    ...(major < 18
      ? [{ what: 'autovacuum workers', reason: 'only a superuser may end them before PostgreSQL 18' }]
      : []),
    ...(major < 15 ? [{ what: 'CHECKPOINT', reason: 'only a superuser may ask for it before PostgreSQL 15' }] : []),
  ];
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Means the same whatever standard_conforming_strings says. */
function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
