import { type LockMode, lockModes } from '@slacktide/domain';
import type { SqlNode } from './parse-sql.ts';
import type { Ruling } from './statement-rule.ts';
import { isNode, nodesOf, rangeOf } from './walk.ts';

/** Storage parameters that are set under SHARE UPDATE EXCLUSIVE (reloptions.c); the rest need ACCESS EXCLUSIVE. */
const lightOptions =
  /^(?:fillfactor|toast_tuple_target|parallel_workers|deduplicate_items|vacuum_index_cleanup|vacuum_truncate|log_autovacuum_min_duration|autovacuum_\w+)$/;

type LockOf = (command: SqlNode) => LockMode;
const light: LockOf = () => 'SHARE UPDATE EXCLUSIVE';
const heavy: LockOf = () => 'ACCESS EXCLUSIVE';
const byOption: LockOf = ({ def }) => {
  const list = isNode(def) && isNode(def['List']) ? def['List']['items'] : [];
  return nodesOf(list, 'DefElem').every(({ defname }) => lightOptions.test(String(defname))) ? light({}) : heavy({});
};

/** What may be altered, and the lock it takes (AlterTableGetLockLevel of tablecmds.c). */
const ofIndexes: Readonly<Record<string, LockOf>> = {
  AT_SetRelOptions: byOption,
  AT_ResetRelOptions: byOption,
  AT_SetStatistics: light,
};
const ofTables: Readonly<Record<string, LockOf>> = {
  ...ofIndexes,
  AT_SetOptions: light,
  AT_ResetOptions: light,
  AT_ValidateConstraint: light,
  AT_ClusterOn: light,
  AT_DropCluster: light,
  AT_SetStorage: heavy,
  AT_SetCompression: heavy,
  AT_ColumnDefault: heavy,
  AT_SetNotNull: heavy,
  AT_DropNotNull: heavy,
};

const words =
  'SET and RESET of storage parameters, SET STATISTICS and options of columns, VALIDATE CONSTRAINT, CLUSTER ON, SET WITHOUT CLUSTER, SET STORAGE, SET COMPRESSION, SET and DROP of DEFAULT and NOT NULL';

/** ALTER TABLE and ALTER INDEX: every command has to be one of the list, and the strongest lock counts. */
export function alterRule(node: SqlNode): Ruling {
  const { objtype } = node;
  const isIndex = objtype === 'OBJECT_INDEX';
  if (!isIndex && objtype !== 'OBJECT_TABLE')
    return { refused: 'Of all there is to alter, a template may only alter tables and indexes' };
  const allowed = isIndex ? ofIndexes : ofTables;
  let strongest: LockMode = 'SHARE UPDATE EXCLUSIVE';
  for (const command of nodesOf(node['cmds'], 'AlterTableCmd')) {
    const subtype = String(command['subtype']);
    const lockOf = Object.hasOwn(allowed, subtype) ? allowed[subtype] : undefined;
    if (lockOf === undefined) {
      return {
        refused: `ALTER may not do ${subtype.replace(/^AT_/, '')}; it may do ${isIndex ? 'SET, RESET and SET STATISTICS' : words}`,
      };
    }
    const lock = lockOf(command);
    if (lockModes.indexOf(lock) > lockModes.indexOf(strongest)) strongest = lock;
  }
  return {
    kind: isIndex ? 'ALTER INDEX' : 'ALTER TABLE',
    way: 'locking',
    lockMode: strongest,
    isWrite: true,
    isIdempotent: true,
    relation: rangeOf(node['relation']) ?? null,
  };
}
