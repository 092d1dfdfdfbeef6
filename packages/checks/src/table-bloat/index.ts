import { objectKey } from '@slacktide/domain';
import { readXminHolders } from '@slacktide/targets';
import { readPgstattuple } from '../catalogue/pgstattuple.ts';
import { readingOrder, type Turn } from '../catalogue/reading-order.ts';
import type { Check, Look } from '../check.ts';
import { judgeTableBloat, keyOf, type Measured, nothingMeasured } from './judge.ts';
import { type Measurement, measureTable } from './measure.ts';
import { readTables, type TableRow } from './read.ts';
import { type Remembered, readMemory } from './remembered.ts';
import { checkType, type TableBloatConfig } from './schema.ts';

const mebibyte = 1024 * 1024;

export const tableBloat: Check<TableBloatConfig> = {
  type: checkType,
  async run(look, config) {
    const { reader, memory, now } = look;
    const [latest] = await memory.snapshots('table_bloat', { limit: 1 });
    const facts = await readTables(reader, config.min_size_mb * mebibyte);
    const pgstattuple = await readPgstattuple(reader, ['pgstattuple', 'pgstattuple_approx']);
    if (pgstattuple.kind === 'unusable') return nothingMeasured(facts, pgstattuple, latest);
    const remembered = readMemory(latest);
    const work = { tables: facts.tables, remembered, schema: pgstattuple.schema };
    const measured = await measureInTurn(look, config, work);
    const holders = await readXminHolders(reader);
    // Catalogues alone are of no concern here.
    const oldestHolder = holders.find(({ catalogOnly }) => !catalogOnly) ?? null;
    return judgeTableBloat({ ...facts, ...measured, remembered, oldestHolder, now }, config);
  },
};

interface Work {
  readonly tables: readonly TableRow[];
  readonly remembered: ReadonlyMap<string, Remembered>;
  readonly schema: string;
}

/** Measures as many as the budget allows; one that somebody asks for whatever it costs. */
async function measureInTurn({ reader, only }: Look, config: TableBloatConfig, work: Work): Promise<Measured> {
  const budgetBytes = only === undefined ? config.max_read_mb * mebibyte : Number.POSITIVE_INFINITY;
  const measurable = work.tables.filter(({ excluded, locked }) => excluded === null && !locked);
  const measurements = new Map<string, Measurement>();
  const turns = measurable.flatMap((table) => {
    if (only !== undefined && objectKey(table) !== only) return [];
    if (table.readBytes <= budgetBytes) return [turnOf(table, work.remembered.get(keyOf(table)), config)];
    measurements.set(keyOf(table), { kind: 'unmeasured', reason: 'larger_than_max_read_mb', bytesRead: 0 });
    return [];
  });
  let bytesRead = 0;
  let read = 0;
  for (const { table, key } of readingOrder(turns)) {
    if (read === config.max_relations) break;
    // A smaller one may fit.
    if (bytesRead + table.readBytes > budgetBytes) continue;
    const measurement = await measureTable(reader, table, {
      schema: work.schema,
      thresholdPercent: config.bloat_threshold,
      budgetBytes: budgetBytes - bytesRead,
    });
    measurements.set(key, measurement);
    bytesRead += measurement.bytesRead;
    read += 1;
  }
  return { measurements, bytesRead };
}

/** The counters of dead rows make a suspect; where they were reset, the turn comes anyway. */
function turnOf(table: TableRow, known: Remembered | undefined, config: TableBloatConfig): Turn & { table: TableRow } {
  const { liveRows, deadRows, sizeBytes } = table;
  const deadShare = deadRows / Math.max(1, liveRows + deadRows);
  const knownShare = known?.filenode === table.filenode ? (known?.waste ?? 0) / 100 : 0;
  const share = Math.max(deadShare, knownShare);
  return {
    table,
    key: keyOf(table),
    // A rewritten table has not been read yet.
    lastReadAt: known?.filenode === table.filenode ? known.readAt : null,
    suspicion: 100 * share >= config.bloat_threshold ? Math.round(share * (sizeBytes ?? 0)) : 0,
  };
}
