import type { FoundFinding, JsonObject } from '@slacktide/domain';
import { holderJson, holdersBeyond } from './holders.ts';
import { levelEvidence } from './level-evidence.ts';
import type { Level } from './levels.ts';
import type { DatabaseAge, WraparoundFacts } from './read.ts';
import type { UseOfIds } from './use-of-ids.ts';

/** Holders and tables named in one piece of evidence. */
const longestList = 5;

export function databaseFinding(
  database: DatabaseAge,
  level: Level,
  facts: WraparoundFacts,
  use: UseOfIds,
): FoundFinding {
  const { name, allowsConnections } = database;
  const isOurs = name === facts.server.database;
  // Multixacts are kept by transactions older than they are, which no view tells.
  const age = level.ids === 'multixacts' ? 1 : level.lateAge;
  const holding = holdersBeyond(facts.holders, { database: name, age, catalogues: true });
  return {
    fingerprint: `database:${name}`,
    severity: level.severity,
    object: { kind: 'database', schema: null, name, table: null },
    summary: `Database ${name} has ${level.ids} ${level.age} old; autovacuum should have frozen them at ${level.limit}`,
    evidence: {
      ...levelEvidence(level, use),
      allows_connections: allowsConnections,
      [level.ids === 'multixacts' ? 'may_be_held_back_by' : 'held_back_by']: holding
        .slice(0, longestList)
        .map(holderJson),
      ...(isOurs ? ourEvidence(facts) : {}),
      no_action_because: becauseOf(isOurs, allowsConnections),
    },
    action: null,
  };
}

function becauseOf(isOurs: boolean, allowsConnections: boolean): string {
  if (isOurs) return 'its tables are found one by one; catalogues are left to autovacuum and superusers';
  return allowsConnections
    ? 'its tables can be frozen only by a session on it'
    : 'it allows no connections: only autovacuum reaches its tables, or ALTER DATABASE … ALLOW_CONNECTIONS true first';
}

function ourEvidence({ oldest, tables }: WraparoundFacts): JsonObject {
  const temporary = tables.filter((table) => table.temporary);
  return {
    oldest_relations: oldest.map((relation) => ({ ...relation })),
    temporary_tables: temporary.length,
    oldest_temporary_tables: temporary
      .toSorted((a, b) => (b.xidAge ?? 0) - (a.xidAge ?? 0))
      .slice(0, longestList)
      .map(({ quoted, xidAge, temporaryOf }) => ({ table: quoted, xid_age: xidAge, pid: temporaryOf })),
  };
}
