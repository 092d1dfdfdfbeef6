import type { RoleFacts } from './facts.ts';
import type { RoleGraph } from './role-graph.ts';

/** What makes a role dangerous, with what it comes to. */
export const powerWords = {
  superuser: 'may do anything',
  pg_execute_server_program: 'may run programs on the server',
  pg_write_server_files: 'may write files of the server',
  pg_read_server_files: 'may read files of the server',
  bypassrls: 'reads and writes past row level security',
  createrole: 'makes and alters roles',
  replication: 'may copy the whole cluster by replication',
} as const;
export type Power = keyof typeof powerWords;

const serverRoles: readonly Power[] = ['pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'];

/** Powers of a role and how it comes to each: no names = its own attribute. A superuser's others go without saying. */
export function powersOf(oid: number, graph: RoleGraph): ReadonlyMap<Power, readonly string[]> {
  const powers = new Map<Power, readonly string[]>();
  const own = graph.role(oid);
  for (const power of own === undefined ? [] : attributes(own)) powers.set(power, []);
  for (const [other, { becomes, via }] of graph.reached(oid)) {
    const role = graph.role(other);
    if (role === undefined) continue;
    const gained = [
      // Only the role that logs in replicates; attributes are never inherited.
      ...(becomes ? attributes(role).filter((power) => power !== 'replication') : []),
      ...serverRoles.filter((power) => power === role.name),
    ];
    for (const power of gained) if (!powers.has(power)) powers.set(power, via);
  }
  const superuser = powers.get('superuser');
  return superuser === undefined ? powers : new Map([['superuser', superuser]]);
}

function attributes(role: RoleFacts): Power[] {
  return [
    ...(role.superuser ? (['superuser'] as const) : []),
    ...(role.bypassesRls ? (['bypassrls'] as const) : []),
    ...(role.createsRoles ? (['createrole'] as const) : []),
    ...(role.replicates ? (['replication'] as const) : []),
  ];
}
