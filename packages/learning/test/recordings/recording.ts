import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/**
 * What `node test/load/record-workload.ts` recorded on a real PostgreSQL. The work of a step was really done, and each figure really read after it; only the
 * clock is made up: a step stands for `stepHours`, and took as long as its work took.
 */
export interface Recording {
  readonly server: string;
  readonly recordedAt: string;
  /** How long it all took. */
  readonly realSeconds: number;
  readonly stepHours: number;
}

/** How a series is known to have grown, since the work was made so. */
export type Growth =
  /** By the same each step, give or take what the next steps make up for. */
  | 'steady'
  /** Each step by what the dice gave, about a mean; nothing makes up for it. */
  | 'wandering'
  /** By work that is the same each step, to something that is not a line. */
  | 'curved';

export interface Series {
  readonly name: string;
  readonly gauge: 'size_bytes' | 'waste_percent' | 'xid_age' | 'used_percent';
  readonly growth: Growth;
  /** A step, on the mean; null = no line is meant. */
  readonly truePerStep: number | null;
  /** The first step whose reading is of the rewritten object, or of ids frozen anew; null = never. */
  readonly rewrittenAtStep: number | null;
  /** One a step. */
  readonly readings: readonly { readonly value: number; readonly filenode: number | null }[];
}

export interface GrowthRecording extends Recording {
  readonly series: readonly Series[];
}

/** A statement of the recorded application. */
export interface RecordedStatement {
  readonly query: string;
  /** It was made to be slow: an index that it needs is missing, or it computes something for each of many rows. */
  readonly madeSlow: boolean;
  readonly plan: {
    readonly totalCost: number;
    readonly rows: number;
    readonly largestScanRows: number;
    readonly nestedLoops: number;
    readonly sorts: number;
  };
  /** By step: what pg_stat_statements counted in it; null = it was not executed. */
  readonly executions: readonly ({ readonly calls: number; readonly meanMs: number } | null)[];
}

export interface StatementRecording extends Recording {
  readonly statements: readonly RecordedStatement[];
}

export const recordingFiles = {
  growth: new URL('./growth.json.gz', import.meta.url),
  statements: new URL('./statements.json.gz', import.meta.url),
};

export function readGrowth(): GrowthRecording {
  return JSON.parse(gunzipSync(readFileSync(recordingFiles.growth)).toString());
}

export function readStatements(): StatementRecording {
  return JSON.parse(gunzipSync(readFileSync(recordingFiles.statements)).toString());
}
