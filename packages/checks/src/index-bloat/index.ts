import { objectKey } from '@slacktide/domain';
import { readPgstattuple } from '../catalogue/pgstattuple.ts';
import { readingOrder, type Turn } from '../catalogue/reading-order.ts';
import type { Check, Look } from '../check.ts';
import { judgeIndexBloat, type Measured, nothingMeasured } from './judge.ts';
import { type Measurement, measureIndex, readBytes } from './measure.ts';
import { type IndexRow, readIndexes } from './read.ts';
import { type Remembered, readMemory } from './remembered.ts';
import { checkType, type IndexBloatConfig } from './schema.ts';
import { suspicionOf } from './suspicion.ts';

const mebibyte = 1024 * 1024;

export const indexBloat: Check<IndexBloatConfig> = {
  type: checkType,
  async run(look, config) {
    const { reader, memory } = look;
    const [latest] = await memory.snapshots('index_bloat', { limit: 1 });
    const facts = await readIndexes(reader, config.min_size_mb * mebibyte);
    const pgstattuple = await readPgstattuple(reader, ['pgstatindex', 'pgstatginindex', 'pgstathashindex']);
    if (pgstattuple.kind === 'unusable') return nothingMeasured(facts, pgstattuple, latest);
    const remembered = readMemory(latest);
    const measured = await measureInTurn(look, config, {
      indexes: facts.indexes,
      remembered,
      schema: pgstattuple.schema,
    });
    return judgeIndexBloat(
      { ...facts, ...measured, remembered, serverVersion: reader.serverVersion, now: look.now },
      config,
    );
  },
};

interface Work {
  readonly indexes: readonly IndexRow[];
  readonly remembered: ReadonlyMap<string, Remembered>;
  readonly schema: string;
}

/** Measures as many as the budget allows; one that somebody asks for whatever it costs. */
async function measureInTurn({ reader, only }: Look, config: IndexBloatConfig, work: Work): Promise<Measured> {
  const budgetBytes = only === undefined ? config.max_read_mb * mebibyte : Number.POSITIVE_INFINITY;
  const measurable = work.indexes.filter(({ excluded, locked }) => excluded === null && !locked);
  const measurements = new Map<string, Measurement>();
  const turns = measurable.flatMap((index) => {
    if (only !== undefined && objectKey(index) !== only) return [];
    if (readBytes(index) <= budgetBytes) return [turnOf(index, work.remembered.get(index.quoted), config)];
    measurements.set(index.quoted, { kind: 'unmeasured', reason: 'larger_than_max_read_mb' });
    return [];
  });
  let bytesRead = 0;
  let read = 0;
  for (const { index } of readingOrder(turns)) {
    if (read === config.max_relations) break;
    // A smaller one may fit.
    if (bytesRead + readBytes(index) > budgetBytes) continue;
    measurements.set(index.quoted, await measureIndex(reader, index, work.schema));
    bytesRead += readBytes(index);
    read += 1;
  }
  return { measurements, bytesRead };
}

function turnOf(index: IndexRow, known: Remembered | undefined, config: IndexBloatConfig): Turn & { index: IndexRow } {
  return {
    index,
    key: index.quoted,
    // A rebuilt index has not been read yet.
    lastReadAt: known?.filenode === index.filenode ? known.readAt : null,
    suspicion: suspicionOf(index, known, config.bloat_threshold),
  };
}
