import { type DatabaseFacts, type Membership, publicOid, type RoleFacts } from './facts.ts';

/** The role of whoever owns the database, in every database; a member without a row. */
const databaseOwnerRole = 'pg_database_owner';

/** How a role comes to another one's rights. */
export interface Reach {
  /** May SET ROLE to it, and so have its attributes; else only its privileges. */
  readonly becomes: boolean;
  /** Roles on the way, first to last, the reached one included. */
  readonly via: readonly string[];
}

/** Who may do what in whose name, through any number of memberships. */
export interface RoleGraph {
  /** `PUBLIC` for 0; the number of a role that is gone. */
  name(oid: number): string;
  role(oid: number): RoleFacts | undefined;
  /** Every other role whose rights `from` has, or may give itself. */
  reached(from: number): ReadonlyMap<number, Reach>;
  /** Whether `who` is as powerful as `owner` anyway, so that it gains nothing by tricking it. */
  mayActAs(who: number, owner: number): boolean;
}

/** Follows what the server follows: SET ROLE from roles one may be, privileges from roles that inherit, ADMIN to whatever may be granted. */
export function createRoleGraph(
  roles: readonly RoleFacts[],
  memberships: readonly Membership[],
  database: DatabaseFacts,
): RoleGraph {
  const byOid = new Map(roles.map((role) => [role.oid, role]));
  const edges = Map.groupBy(withDatabaseOwner(roles, memberships, database), ({ member }) => member);
  const known = new Map<number, ReadonlyMap<number, Reach>>();
  const name = (oid: number): string => (oid === publicOid ? 'PUBLIC' : (byOid.get(oid)?.name ?? String(oid)));
  const reached = (from: number): ReadonlyMap<number, Reach> => {
    const before = known.get(from);
    if (before !== undefined) return before;
    const reach = follow(from, edges, name);
    known.set(from, reach);
    return reach;
  };
  return {
    name,
    role: (oid) => byOid.get(oid),
    reached,
    mayActAs: (who, owner) => {
      if (who === owner || byOid.get(who)?.superuser === true) return true;
      const reach = reached(who);
      if (reach.has(owner)) return true;
      return [...reach].some(([oid, { becomes }]) => becomes && byOid.get(oid)?.superuser === true);
    },
  };
}

function withDatabaseOwner(
  roles: readonly RoleFacts[],
  memberships: readonly Membership[],
  database: DatabaseFacts,
): readonly Membership[] {
  const role = roles.find(({ name }) => name === databaseOwnerRole)?.oid;
  if (role === undefined) return memberships;
  // Nobody else can be a member, so whoever stands for it is the owner; the other way round it holds as well.
  const both = { admin: false, inherits: true, sets: true };
  return [...memberships, { role, member: database.owner, ...both }, { role: database.owner, member: role, ...both }];
}

function follow(
  from: number,
  edges: ReadonlyMap<number, readonly Membership[]>,
  name: (oid: number) => string,
): ReadonlyMap<number, Reach> {
  const reach = new Map<number, Reach>([[from, { becomes: true, via: [] }]]);
  const queue = [from];
  for (const member of queue) {
    const { becomes, via } = reach.get(member) ?? { becomes: false, via: [] };
    for (const { role, admin, inherits, sets } of edges.get(member) ?? []) {
      const turnsInto = admin || (becomes && sets);
      const before = reach.get(role);
      if (!turnsInto && !inherits) continue;
      if (before !== undefined && (before.becomes || !turnsInto)) continue;
      reach.set(role, { becomes: turnsInto, via: [...via, name(role)] });
      queue.push(role);
    }
  }
  reach.delete(from);
  return reach;
}
