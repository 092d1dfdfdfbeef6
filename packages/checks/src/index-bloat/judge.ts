import type { CheckSnapshot } from '@slacktide/application/ports';
import {
  type CheckReport,
  type FoundFinding,
  objectKey,
  type SkippedObject,
  type UnknownObject,
} from '@slacktide/domain';
import type { Pgstattuple } from '../catalogue/pgstattuple.ts';
import { bloatFinding, pendingFinding, type Server, wasteOf } from './finding.ts';
import type { Measurement } from './measure.ts';
import type { IndexFacts, IndexRow } from './read.ts';
import { type Remembered, writeMemory } from './remembered.ts';
import type { IndexBloatConfig } from './schema.ts';
import type { IndexFigures } from './waste.ts';

/** What was measured in this run. */
export interface Measured {
  /** By the quoted name; what is not in it had no turn. */
  readonly measurements: ReadonlyMap<string, Measurement>;
  readonly bytesRead: number;
}

export interface IndexBloatFacts extends IndexFacts, Measured, Server {
  readonly remembered: ReadonlyMap<string, Remembered>;
  readonly now: Date;
}

export function judgeIndexBloat(facts: IndexBloatFacts, config: IndexBloatConfig): CheckReport {
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  const unjudged: string[] = [];
  const findings: FoundFinding[] = [];
  const memory = new Map<string, Remembered>();
  let judged = 0;
  for (const index of facts.indexes) {
    const object = objectKey(index);
    const known = facts.remembered.get(index.quoted);
    const measurement: Measurement | undefined = index.locked
      ? { kind: 'unmeasured', reason: 'locked' }
      : facts.measurements.get(index.quoted);
    if (index.excluded !== null) {
      skipped.push({ object, reason: index.excluded });
      continue;
    }
    if (measurement === undefined) unjudged.push(object);
    else if (measurement.kind === 'unmeasured') unknown.push({ object, reason: measurement.reason, grant: null });
    else {
      judged += 1;
      const finding = findingOf(index, measurement.figures, config, facts);
      if (finding !== undefined) findings.push(finding);
    }
    const remembered = remember(index, known, measurement, facts.now);
    if (remembered !== undefined) memory.set(index.quoted, remembered);
  }
  return {
    check: 'index_bloat',
    checked: judged + facts.tooSmall,
    skipped,
    unknown,
    findings,
    unjudged,
    figures: {
      ...summaryOf(facts.indexes, memory, config.bloat_threshold),
      too_small: facts.tooSmall,
      measured: judged,
      bytes_read: facts.bytesRead,
    },
    snapshot: writeMemory(memory),
  };
}

/** Without pgstattuple nothing is known: an estimate can be off by the whole index. */
export function nothingMeasured(
  { database }: IndexFacts,
  { reason, grant }: Extract<Pgstattuple, { kind: 'unusable' }>,
  latest: CheckSnapshot | undefined,
): CheckReport {
  return {
    check: 'index_bloat',
    checked: 0,
    skipped: [],
    unknown: [{ object: database, reason, grant }],
    findings: [],
    unjudged: 'all',
    figures: {},
    ...(latest === undefined ? {} : { snapshot: latest.values }),
  };
}

function findingOf(
  index: IndexRow,
  figures: IndexFigures,
  config: IndexBloatConfig,
  server: Server,
): FoundFinding | undefined {
  return figures.method === 'gin'
    ? pendingFinding(index, figures, config, server)
    : bloatFinding(index, figures, config, server);
}

/** A failed attempt counts as one, so that an index which cannot be read does not keep others from their turn. */
function remember(
  index: IndexRow,
  known: Remembered | undefined,
  measurement: Measurement | undefined,
  now: Date,
): Remembered | undefined {
  const { filenode, estimatedTuples } = index;
  if (measurement === undefined || index.locked || filenode === null) return known;
  const readAt = Math.floor(now.getTime() / 1000);
  if (measurement.kind === 'unmeasured') {
    const same = known?.filenode === filenode ? known : undefined;
    return {
      filenode,
      readAt,
      waste: same?.waste ?? null,
      vacant: same?.vacant ?? 0,
      freshBytesPerTuple: known?.freshBytesPerTuple ?? null,
    };
  }
  const { figures } = measurement;
  if (figures.method === 'gin') return { filenode, readAt, waste: null, vacant: 0, freshBytesPerTuple: null };
  const { percent, bytes, vacantPercent } = wasteOf(figures);
  const freshBytesPerTuple =
    estimatedTuples > 0
      ? Math.round((10 * (figures.sizeBytes - bytes)) / estimatedTuples) / 10
      : (known?.freshBytesPerTuple ?? null);
  return { filenode, readAt, waste: percent, vacant: vacantPercent, freshBytesPerTuple };
}

/** Of all indexes whose waste is known, measured now or before. */
function summaryOf(indexes: readonly IndexRow[], memory: ReadonlyMap<string, Remembered>, thresholdPercent: number) {
  const summary = { healthy: 0, bloated: 0, underutilized: 0 };
  for (const { quoted, filenode } of indexes) {
    const known = memory.get(quoted);
    if (known === undefined || known.filenode !== filenode || known.waste === null) continue;
    if (known.waste < thresholdPercent) summary.healthy += 1;
    else if (2 * known.vacant >= known.waste) summary.underutilized += 1;
    else summary.bloated += 1;
  }
  return summary;
}
