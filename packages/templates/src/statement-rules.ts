import { alterRule } from './alter-rules.ts';
import type { SqlNode, SqlTree } from './parse-sql.ts';
import { type Ruling, work } from './statement-rule.ts';
import { isNode, nameParts, nodesOf, type Range, rangeOf } from './walk.ts';

/** Every kind that a template may hold. What is not here is refused. */
const rules: Readonly<Record<string, (node: SqlNode) => Ruling>> = {
  SelectStmt: selectRule,
  InsertStmt: changeRule('INSERT'),
  UpdateStmt: changeRule('UPDATE'),
  DeleteStmt: changeRule('DELETE'),
  VacuumStmt: vacuumRule,
  ReindexStmt: reindexRule,
  IndexStmt: createIndexRule,
  DropStmt: dropRule,
  AlterTableStmt: alterRule,
  RenameStmt: renameRule,
  RefreshMatViewStmt: refreshRule,
  CommentStmt: commentRule,
  CheckPointStmt: () => work({ kind: 'CHECKPOINT', way: 'plain', lockMode: null, relation: null }),
};

const allowedWords =
  'SELECT, INSERT, UPDATE, DELETE, VACUUM, ANALYZE, REINDEX, CREATE INDEX, DROP INDEX, ALTER INDEX, ALTER TABLE, REFRESH MATERIALIZED VIEW, COMMENT and CHECKPOINT';

/** What a statement is, or why it may not stand in a template. */
export function ruleOf({ type, node }: SqlTree): Ruling {
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  return (
    rule?.(node) ?? { refused: `${type.replace(/Stmt$/, '')} is not among what a template may hold: ${allowedWords}` }
  );
}

function selectRule(node: SqlNode): Ruling {
  if (node['intoClause'] !== undefined) return { refused: 'SELECT INTO makes a table' };
  const locks = Array.isArray(node['lockingClause']);
  const lockMode = locks ? 'ROW SHARE' : 'ACCESS SHARE';
  return { kind: 'SELECT', way: 'rows', lockMode, isWrite: locks, isIdempotent: true, relation: null };
}

function changeRule(kind: 'INSERT' | 'UPDATE' | 'DELETE') {
  return (node: SqlNode): Ruling => {
    if (Array.isArray(node['returningList']) || node['returningClause'] !== undefined) {
      return { refused: `${kind} is told by its number of rows: RETURNING may only stand within WITH` };
    }
    const relation = rangeOf(node['relation']) ?? null;
    return { kind, way: 'change', lockMode: 'ROW EXCLUSIVE', isWrite: true, isIdempotent: false, relation };
  };
}

function vacuumRule(node: SqlNode): Ruling {
  const kind = node['is_vacuumcmd'] === true ? 'VACUUM' : 'ANALYZE';
  const [table, ...others] = nodesOf(node['rels'], 'VacuumRelation');
  if (table === undefined || others.length > 0) return { refused: `${kind} has to name exactly one table` };
  const isFull = hasOption(node['options'], 'full');
  const lockMode = isFull ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE';
  return work({
    kind: isFull ? 'VACUUM FULL' : kind,
    way: 'vacuum',
    lockMode,
    relation: rangeOf(table['relation']) ?? null,
  });
}

function reindexRule(node: SqlNode): Ruling {
  const relation = rangeOf(node['relation']) ?? null;
  const isIndex = node['kind'] === 'REINDEX_OBJECT_INDEX';
  if (!isIndex && node['kind'] !== 'REINDEX_OBJECT_TABLE')
    return { refused: 'REINDEX has to name one index or one table' };
  if (!hasOption(node['params'], 'concurrently')) {
    return work({ kind: 'REINDEX', way: 'locking', lockMode: 'ACCESS EXCLUSIVE', relation });
  }
  if (!isIndex || relation === null)
    return { refused: 'REINDEX … CONCURRENTLY has to name one index, for its leftovers to be known' };
  const concurrent = { operation: 'reindex', index: relation.name } as const;
  return work({ kind: 'REINDEX', way: 'concurrent', lockMode: 'SHARE UPDATE EXCLUSIVE', relation, concurrent });
}

function createIndexRule(node: SqlNode): Ruling {
  const { idxname, concurrent } = node as { idxname?: unknown; concurrent?: unknown };
  const relation = rangeOf(node['relation']) ?? null;
  if (typeof idxname !== 'string') return { refused: 'CREATE INDEX has to name the index' };
  const rule = { kind: 'CREATE INDEX', relation, isIdempotent: false };
  if (concurrent !== true) return work({ ...rule, way: 'locking', lockMode: 'SHARE' });
  const made = { operation: 'create', index: idxname } as const;
  return work({ ...rule, way: 'concurrent', lockMode: 'SHARE UPDATE EXCLUSIVE', concurrent: made });
}

function dropRule(node: SqlNode): Ruling {
  if (node['removeType'] !== 'OBJECT_INDEX')
    return { refused: 'Of all there is to drop, a template may only drop indexes' };
  const [object, ...others] = nodesOf(node['objects'], 'List').map(({ items }) => nameParts(items));
  if (object === undefined || others.length > 0) return { refused: 'DROP INDEX has to name exactly one index' };
  if (node['behavior'] === 'DROP_CASCADE') return { refused: 'CASCADE drops what nobody has named' };
  const relation = rangeOfParts(object);
  const rule = { kind: 'DROP INDEX', relation, isIdempotent: false };
  if (node['concurrent'] !== true) return work({ ...rule, way: 'locking', lockMode: 'ACCESS EXCLUSIVE' });
  const dropped = { operation: 'drop', index: relation.name } as const;
  return work({ ...rule, way: 'concurrent', lockMode: 'SHARE UPDATE EXCLUSIVE', concurrent: dropped });
}

function renameRule(node: SqlNode): Ruling {
  if (node['renameType'] !== 'OBJECT_INDEX')
    return { refused: 'Of all there is to rename, a template may only rename indexes' };
  const relation = rangeOf(node['relation']) ?? null;
  return work({
    kind: 'ALTER INDEX',
    way: 'locking',
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    relation,
    isIdempotent: false,
  });
}

function refreshRule(node: SqlNode): Ruling {
  if (node['skipData'] === true) return { refused: 'REFRESH … WITH NO DATA empties the view' };
  const lockMode = node['concurrent'] === true ? 'EXCLUSIVE' : 'ACCESS EXCLUSIVE';
  return work({ kind: 'REFRESH', way: 'locking', lockMode, relation: rangeOf(node['relation']) ?? null });
}

/** Parts of the name of what may be commented on, besides the schema. */
const commentable: Readonly<Record<string, number>> = {
  OBJECT_TABLE: 1,
  OBJECT_INDEX: 1,
  OBJECT_VIEW: 1,
  OBJECT_MATVIEW: 1,
  OBJECT_SEQUENCE: 1,
  OBJECT_COLUMN: 2,
};

function commentRule(node: SqlNode): Ruling {
  const parts = commentable[String(node['objtype'])];
  const object = isNode(node['object']) ? node['object'] : {};
  if (parts === undefined)
    return { refused: 'COMMENT may be on a table, column, index, view, materialized view or sequence' };
  const names = nameParts(isNode(object['List']) ? object['List']['items'] : []);
  const relation = rangeOfParts(parts === 1 ? names : names.slice(0, -1));
  return work({ kind: 'COMMENT', way: 'locking', lockMode: 'SHARE UPDATE EXCLUSIVE', relation });
}

/** A name that stands as a list of parts. */
function rangeOfParts(parts: readonly string[]): Range {
  const [name = '', schema, catalog] = [...parts].reverse();
  return { name, schema, catalog };
}

/** `FULL` and `(FULL)` are on; `(FULL off)` is not. */
function hasOption(options: unknown, name: string): boolean {
  return nodesOf(options, 'DefElem').some(({ defname, arg }) => defname === name && !isOff(arg));
}

function isOff(arg: unknown): boolean {
  if (!isNode(arg)) return false;
  const [value] = Object.values(arg).filter(isNode);
  const text = String(value?.['sval'] ?? value?.['ival'] ?? value?.['boolval'] ?? '0').toLowerCase();
  return text === 'off' || text === 'false' || text === '0';
}
