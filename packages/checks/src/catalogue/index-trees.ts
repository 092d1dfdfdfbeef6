import type { IndexDefinition } from './index-definitions.ts';

/** An index with everything attached below it: what stands and falls as one, and is judged as one. */
export interface IndexTree {
  readonly index: IndexDefinition;
  /** The index itself and what is attached below it, parents before children. */
  readonly members: readonly IndexDefinition[];
  readonly sizeBytes: number;
  readonly tableSizeBytes: number;
  readonly scans: number;
  readonly indexWrites: number;
  readonly lastScanAt: Date | null;
  /** Somebody holds, or waits for, ACCESS EXCLUSIVE where the tree or another index of its table is. */
  readonly locked: boolean;
}

/** One tree for each index, those of attached indexes too, in the given order. */
export function toIndexTrees(indexes: readonly IndexDefinition[]): IndexTree[] {
  const children = Map.groupBy(indexes, ({ parentOid }) => parentOid);
  const withDescendants = (index: IndexDefinition): IndexDefinition[] => [
    index,
    ...(children.get(index.oid) ?? []).flatMap(withDescendants),
  ];
  const trees = indexes.map((index) => toTree(withDescendants(index)));
  const lockedTables = new Set(trees.filter(({ locked }) => locked).map(({ index }) => index.tableOid));
  return trees.map((tree) => ({ ...tree, locked: lockedTables.has(tree.index.tableOid) }));
}

function toTree(members: readonly IndexDefinition[]): IndexTree {
  const [index] = members;
  if (index === undefined) throw new Error('expected a tree to have its root among its members');
  const sum = (figure: (member: IndexDefinition) => number): number =>
    members.reduce((total, member) => total + figure(member), 0);
  return {
    index,
    members,
    sizeBytes: sum(({ sizeBytes }) => sizeBytes),
    tableSizeBytes: sum(({ tableSizeBytes }) => tableSizeBytes),
    scans: sum(({ scans }) => scans),
    indexWrites: sum(({ indexWrites }) => indexWrites),
    lastScanAt: latest(members.flatMap(({ lastScanAt }) => lastScanAt ?? [])),
    locked: members.some(({ locked }) => locked),
  };
}

function latest(times: readonly Date[]): Date | null {
  return times.reduce<Date | null>((last, time) => (last === null || time > last ? time : last), null);
}

/** Attached to nothing: what can be dropped, and is reported. */
export function isTopmost({ index }: IndexTree): boolean {
  return index.parentOid === null;
}

/** Valid, ready and live: the planner uses it. An index under construction, or left by one that failed, is not. */
export function isUsable({ index }: IndexTree): boolean {
  return index.valid && index.ready && index.live;
}
