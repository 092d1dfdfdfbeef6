import type { Check } from '../check.ts';
import { judgeKeys, sortKeys, wantedIndexes } from './judge.ts';
import { measureKeys } from './measure.ts';
import { readForeignKeys } from './read.ts';
import { readIndexes } from './read-indexes.ts';
import { readSearches } from './read-operators.ts';
import { readProposals } from './read-proposals.ts';
import { readTables } from './read-tables.ts';
import { checkType, type MissingFkIndexConfig } from './schema.ts';

export const missingFkIndex: Check<MissingFkIndexConfig> = {
  type: checkType,
  async run({ reader }, config) {
    const keys = await readForeignKeys(reader);
    const roots = [...new Set(keys.flatMap(({ tableOid, referencedOid }) => [tableOid, referencedOid]))];
    const tables = await readTables(reader, roots);
    const referencing = new Set(keys.map(({ tableOid }) => tableOid));
    const indexes = await readIndexes(
      reader,
      tables.flatMap(({ root, oid }) => (referencing.has(root) ? [oid] : [])),
    );
    const searches = await readSearches(
      reader,
      keys.flatMap(({ columns }) => columns.map(({ operator }) => operator)),
    );
    const sorted = sortKeys(measureKeys(keys, tables, indexes, searches), searches, config);
    const proposals = await readProposals(reader, wantedIndexes(sorted));
    return judgeKeys(sorted, proposals, reader.serverVersion, config);
  },
};
