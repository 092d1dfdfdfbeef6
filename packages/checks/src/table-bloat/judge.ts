import type { CheckSnapshot } from '@slacktide/application/ports';
import {
  type CheckReport,
  type FoundFinding,
  objectKey,
  type SkippedObject,
  type UnknownObject,
} from '@slacktide/domain';
import type { Pgstattuple } from '../catalogue/pgstattuple.ts';
import { deadRowsFinding, freeSpaceFinding, type Surroundings } from './finding.ts';
import type { Measurement } from './measure.ts';
import type { TableFacts, TableRow } from './read.ts';
import { type Remembered, writeMemory } from './remembered.ts';
import type { TableBloatConfig } from './schema.ts';
import { wasteOf } from './waste.ts';

/** What was measured in this run. */
export interface Measured {
  /** By the key of the table; what is not in it had no turn. */
  readonly measurements: ReadonlyMap<string, Measurement>;
  readonly bytesRead: number;
}

export interface TableBloatFacts extends TableFacts, Measured, Surroundings {
  /** By the key of the table. */
  readonly remembered: ReadonlyMap<string, Remembered>;
  readonly now: Date;
}

/** What a table is known by from run to run. */
export function keyOf({ kind, quoted }: TableRow): string {
  return kind === 'toast_table' ? `toast of ${quoted}` : quoted;
}

export function judgeTableBloat(facts: TableBloatFacts, config: TableBloatConfig): CheckReport {
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  const unjudged: string[] = [];
  const findings: FoundFinding[] = [];
  const memory = new Map<string, Remembered>();
  let judged = 0;
  for (const table of facts.tables) {
    const object = objectKey(table);
    const key = keyOf(table);
    if (table.excluded !== null) {
      skipped.push({ object, reason: table.excluded });
      continue;
    }
    const measurement = facts.measurements.get(key);
    if (table.locked) unknown.push({ object, reason: 'locked', grant: null });
    else if (measurement === undefined) unjudged.push(object);
    else if (measurement.kind === 'unmeasured') unknown.push({ object, reason: measurement.reason, grant: null });
    else {
      judged += 1;
      const finding = findingOf(table, measurement, config, facts);
      if (finding !== undefined) findings.push(finding);
    }
    const remembered = remember(table, facts.remembered.get(key), measurement, facts.now);
    if (remembered !== undefined) memory.set(key, remembered);
  }
  return {
    check: 'table_bloat',
    checked: judged + facts.tooSmall,
    skipped,
    unknown,
    findings,
    unjudged,
    figures: {
      ...summaryOf(facts.tables, memory, config.bloat_threshold),
      too_small: facts.tooSmall,
      measured: judged,
      bytes_read: Math.round(facts.bytesRead),
    },
    snapshot: writeMemory(memory),
  };
}

/** Without pgstattuple nothing is known: an estimate can be off by the whole table. */
export function nothingMeasured(
  { database }: TableFacts,
  { reason, grant }: Extract<Pgstattuple, { kind: 'unusable' }>,
  latest: CheckSnapshot | undefined,
): CheckReport {
  return {
    check: 'table_bloat',
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
  table: TableRow,
  { figures }: Extract<Measurement, { kind: 'measured' }>,
  config: TableBloatConfig,
  surroundings: Surroundings,
): FoundFinding | undefined {
  const waste = wasteOf(figures);
  if (waste.percent < config.bloat_threshold || figures.sizeBytes < config.min_size_mb * 1024 * 1024) return undefined;
  return waste.mainly === 'dead_rows'
    ? deadRowsFinding(table, figures, waste, surroundings)
    : freeSpaceFinding(table, figures, waste, surroundings);
}

/** A failed attempt counts as one, so that a table which cannot be read does not keep others from their turn. */
function remember(
  { filenode, locked }: TableRow,
  known: Remembered | undefined,
  measurement: Measurement | undefined,
  now: Date,
): Remembered | undefined {
  if (measurement === undefined || locked || filenode === null) return known;
  const readAt = Math.floor(now.getTime() / 1000);
  if (measurement.kind === 'measured') return { filenode, readAt, waste: wasteOf(measurement.figures).percent };
  return { filenode, readAt, waste: known?.filenode === filenode ? known.waste : null };
}

/** Of all tables whose waste is known, measured now or before. */
function summaryOf(tables: readonly TableRow[], memory: ReadonlyMap<string, Remembered>, thresholdPercent: number) {
  const summary = { healthy: 0, bloated: 0 };
  for (const table of tables) {
    const known = memory.get(keyOf(table));
    if (known === undefined || known.filenode !== table.filenode || known.waste === null) continue;
    if (known.waste < thresholdPercent) summary.healthy += 1;
    else summary.bloated += 1;
  }
  return summary;
}
