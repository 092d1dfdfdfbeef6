import type { Plan } from '@slacktide/application/ports';
import type { IndexDefinition } from '@slacktide/checks';
import { objectKey } from '@slacktide/domain';
import type { IndexCreateFacts } from './facts.ts';
import type { IndexCreateConfig } from './schema.ts';
import { type NewIndex, toStep } from './steps.ts';
import type { TreeTable } from './tables.ts';
import { isUsable, sameIndexes, wantedOn } from './wanted.ts';

/**
 * Facts → one step for each index that is made or attached, parents first. Pure. What an earlier run has done is not done again, so that a run
 * goes on where the last one stopped.
 */
export function planIndexCreate(facts: IndexCreateFacts, config: IndexCreateConfig): Plan {
  const { tables, existing, unsafeServer } = facts;
  const [root] = tables;
  if (root === undefined) throw new Error('expected the table that was named');
  const base = { steps: [], checked: tables.length, skipped: [], unknown: [] };
  if (existing.kind === 'exists') {
    return { ...base, skipped: [{ object: objectKey(existing.index), reason: 'exists' }] };
  }
  if (unsafeServer) return { ...base, skipped: [{ object: root.quoted, reason: 'server_14_0_to_14_3' }] };
  const locked = tables.filter((table) => table.locked || facts.indexes.some((index) => isLockedOn(index, table)));
  if (locked.length > 0) {
    return { ...base, unknown: locked.map(({ quoted }) => ({ object: quoted, reason: 'locked', grant: null })) };
  }
  const news = newIndexes(facts, config);
  const restore = news.flatMap(({ kind, existing: part }) => (kind === 'attach' && part ? restoring(part, facts) : []));
  const rootIndex = root.relkind === 'p' ? quotedRoot(facts) : null;
  return {
    ...base,
    steps: news.map((each, position) =>
      toStep(each, { facts, config, restore, rootIndex, isLast: position === news.length - 1 }),
    ),
    // A named table without the right stays in the plan, to fail: the caller asked for it.
    unknown: tables
      .filter(({ permitted }) => !permitted)
      .map(({ quoted, grant }) => ({ object: quoted, reason: 'insufficient_privilege', grant })),
  };
}

function isLockedOn({ locked, tableOid }: IndexDefinition, { oid }: TreeTable): boolean {
  return locked && tableOid === oid;
}

/** What there is on a table that the index above is, or is to be, made of. */
interface Part {
  /** `schema.name`, quoted. */
  readonly quoted: string;
  /** Null = not there yet. */
  readonly oid: number | null;
}

/** With everything attached below it. */
function restoring(index: IndexDefinition, facts: IndexCreateFacts): string[] {
  const below = facts.indexes.filter(({ parentOid }) => parentOid === index.oid);
  return [...index.restore, ...below.flatMap((part) => restoring(part, facts))];
}

function newIndexes(facts: IndexCreateFacts, config: IndexCreateConfig): NewIndex[] {
  const lacking = lackingIndexes(facts, config);
  return facts.existing.kind === 'begun' && lacking.length === 0 ? revalidating(facts, facts.existing.index) : lacking;
}

/** Nothing is lacking, and yet it is not valid: a partition was dropped meanwhile. Attached once more, a part makes the server look again. */
function revalidating(facts: IndexCreateFacts, whole: IndexDefinition): NewIndex[] {
  const parts = facts.indexes.filter(({ parentOid }) => parentOid === whole.oid);
  const below = parts.filter((part) => !isUsable(part)).flatMap((part) => revalidating(facts, part));
  const [part] = parts;
  const table = facts.tables.find(({ oid }) => oid === part?.tableOid);
  if (part === undefined || table === undefined) return below;
  const name = { name: part.name, bare: '', quoted: quotedOf(part) };
  return [...below, { kind: 'attach', table, name, parent: quotedOf(whole), existing: part }];
}

function lackingIndexes(facts: IndexCreateFacts, config: IndexCreateConfig): NewIndex[] {
  const { tables, existing, named } = facts;
  const parts = new Map<number, Part>();
  /** Partitioned tables whose index is complete, with everything below. */
  const complete = new Set<number>();
  return tables.flatMap((table): NewIndex[] => {
    const { oid, parentOid } = table;
    if (parentOid !== null && complete.has(parentOid)) {
      complete.add(oid);
      return [];
    }
    const free = { name: table.freeName, bare: table.quotedFreeName, quoted: table.qualifiedFreeName };
    if (parentOid === null) {
      if (existing.kind === 'begun') {
        parts.set(oid, { quoted: quotedOf(existing.index), oid: existing.index.oid });
        return [];
      }
      const name = named === null ? free : { name: config.name ?? '', bare: named.quoted, quoted: named.qualified };
      parts.set(oid, { quoted: name.quoted, oid: null });
      return [{ kind: table.relkind === 'p' ? 'whole' : 'build', table, name, parent: null }];
    }
    const parent = parts.get(parentOid);
    if (parent === undefined) throw new Error(`expected the parent of ${table.quoted} before it`);
    const same = sameIndexes(table, facts.indexes, wantedOn(table, facts.shape, config));
    const attached = same.find((index) => parent.oid !== null && index.parentOid === parent.oid);
    const match = attached ?? same.find((index) => mayBeAttached(index, table));
    if (match === undefined) {
      parts.set(oid, { quoted: free.quoted, oid: null });
      return [{ kind: table.relkind === 'p' ? 'whole' : 'build', table, name: free, parent: parent.quoted }];
    }
    parts.set(oid, { quoted: quotedOf(match), oid: match.oid });
    if (isUsable(match)) complete.add(oid);
    if (attached !== undefined && (isUsable(attached) || table.relkind === 'p')) return [];
    const name = { name: match.name, bare: '', quoted: quotedOf(match) };
    const kind = attached === undefined ? 'attach' : 'rebuild';
    return [{ kind, table, name, parent: parent.quoted, existing: match }];
  });
}

/** One that a constraint needs stays the constraint's; of what is partitioned again the parts may still be lacking. */
function mayBeAttached(index: IndexDefinition, { relkind }: TreeTable): boolean {
  if (index.parentOid !== null || index.constraint !== null || !index.live) return false;
  return relkind === 'p' ? index.partitioned : isUsable(index);
}

/** The index of the table that was named. */
function quotedRoot({ existing, named, tables }: IndexCreateFacts): string {
  if (existing.kind === 'begun') return quotedOf(existing.index);
  return named?.qualified ?? tables[0]?.qualifiedFreeName ?? '';
}

/** As the server quoted it, at the end of the statement that would drop it. */
function quotedOf({ drop }: IndexDefinition): string {
  return drop.replace(/^DROP INDEX (CONCURRENTLY )?/, '');
}
