import { type FindingAction, type FoundFinding, type JsonObject, objectKey } from '@slacktide/domain';
import { holderJson, holdersBeyond } from './holders.ts';
import { levelEvidence } from './level-evidence.ts';
import type { Level } from './levels.ts';
import type { WraparoundFacts } from './read.ts';
import type { TableAges } from './relations.ts';
import type { UseOfIds } from './use-of-ids.ts';

/** Holders named in one piece of evidence. */
const longestList = 5;

/** `worst` of the table and its TOAST table. */
export function tableFinding(
  table: TableAges,
  { level, heap }: { level: Level; heap: 'table' | 'toast' },
  { server, holders }: WraparoundFacts,
  use: UseOfIds,
): FoundFinding {
  const { schema, name, kind } = table;
  // A table keeps multixacts as long as a transaction does that began before them: no view tells which one that is.
  const age = level.ids === 'multixacts' ? 1 : level.lateAge;
  const holding = holdersBeyond(holders, { database: server.database, age, catalogues: false });
  const obstacle = obstacleTo(table, level, holding.length, server.inRecovery);
  const where = heap === 'toast' ? `The TOAST table of ${objectKey(table)}` : objectKey(table);
  return {
    fingerprint: `${kind}:${objectKey(table)}`,
    severity: level.severity,
    object: { kind, schema, name, table: null },
    summary: `${where} has ${level.ids} ${level.age} old; autovacuum should have frozen them at ${level.limit}`,
    evidence: {
      heap,
      ...levelEvidence(level, use),
      ...temporaryEvidence(table),
      being_vacuumed: table.beingVacuumed,
      [level.ids === 'multixacts' ? 'may_be_held_back_by' : 'held_back_by']: holding
        .slice(0, longestList)
        .map(holderJson),
      ...(obstacle === undefined ? {} : { no_action_because: obstacle }),
    },
    action: obstacle === undefined ? freeze(table) : null,
  };
}

function obstacleTo(table: TableAges, level: Level, holding: number, inRecovery: boolean): string | undefined {
  if (table.temporary)
    return 'no VACUUM of another session reaches a temporary table: it has to go, or its session has to end';
  if (inRecovery) return 'a standby cannot VACUUM: run it on the primary';
  if (table.beingVacuumed) return 'a VACUUM of it is running';
  if (level.ids === 'transaction ids' && holding > 0) {
    return 'VACUUM cannot freeze what is held back: end what holds it first';
  }
  return undefined;
}

/** Without truncation, for which VACUUM would ask for ACCESS EXCLUSIVE. */
function freeze({ quoted }: TableAges): FindingAction {
  return {
    sql: [`VACUUM (FREEZE, TRUNCATE false) ${quoted}`],
    rollbackSql: [],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    class: 'idempotent',
  };
}

function temporaryEvidence({ temporary, temporaryOf }: TableAges): JsonObject {
  return temporary ? { temporary, temporary_table_of_pid: temporaryOf } : { temporary };
}
