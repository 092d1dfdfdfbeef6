import type { FindingAction, FindingObject } from '@slacktide/domain';
import type { IndexTree } from './index-trees.ts';

/** Why it may not be dropped although another index does the same; empty = it may. */
export function protectionsOf({ members }: IndexTree): string[] {
  return members.flatMap((member) => [
    ...(member.constraint === null ? [] : [`${member.name} backs constraint ${member.constraint}`]),
    ...(member.foreignKeyTarget ? [`foreign keys refer to ${member.name}`] : []),
    ...(member.replicaIdentity ? [`${member.name} is the replica identity of ${member.table}`] : []),
    ...(member.clustered ? [`CLUSTER orders ${member.table} by ${member.name}`] : []),
  ]);
}

/** Sorts the one to keep first. One that is attached comes before all: nobody can drop it by itself. */
export function keeperFirst(a: IndexTree, b: IndexTree): number {
  const [ranks, others] = [ranksOf(a), ranksOf(b)];
  for (const [position, rank] of ranks.entries()) {
    const difference = (others[position] ?? 0) - rank;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Most significant first; higher = rather kept. */
function ranksOf({ index, members, scans, sizeBytes }: IndexTree): number[] {
  return [
    Number(index.parentOid !== null),
    Number(index.primary),
    Number(members.some(({ constraint }) => constraint !== null)),
    Number(members.some(({ foreignKeyTarget }) => foreignKeyTarget)),
    Number(members.some(({ replicaIdentity }) => replicaIdentity)),
    Number(members.some(({ clustered }) => clustered)),
    scans,
    -sizeBytes,
    -index.oid,
  ];
}

/** Drops a topmost index; takes it back with everything that was attached to it. */
export function dropAction({ index, members }: IndexTree): FindingAction {
  return {
    sql: [index.drop],
    rollbackSql: members.flatMap(({ restore }) => restore),
    lockMode: index.partitioned ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
    class: 'never_retry',
  };
}

export function toFindingObject({ index }: IndexTree): FindingObject {
  return { kind: 'index', schema: index.schema, name: index.name, table: index.table };
}
