import type { Plan } from '@slacktide/application/ports';
import type { CheckpointFacts } from './facts.ts';
import type { CheckpointConfig } from './schema.ts';

/** A slow cloud disk; a checkpoint that was asked for is not spread over time. */
const writeBytesPerSecond = 50 * 1024 * 1024;
const server = 'server';

/** One step, or the reason for none. Without the right the step stays, to fail: skipping it would look like success. */
export function planCheckpoint(facts: CheckpointFacts, config: CheckpointConfig): Plan {
  const recent = tooRecent(facts.secondsSinceCheckpoint, config);
  if (recent !== undefined && facts.permitted) {
    return { steps: [], checked: 1, skipped: [{ object: server, reason: recent }], unknown: [] };
  }
  return {
    steps: [
      {
        key: server,
        object: { kind: 'cluster', oid: null, schema: null, name: server },
        statements: ['CHECKPOINT'],
        lockMode: null,
        sizeBytes: facts.dirtyBytes,
        expectedSeconds: facts.dirtyBytes === null ? null : Math.ceil(facts.dirtyBytes / writeBytesPerSecond),
        reversible: false,
        data: { seconds_since_checkpoint: Math.round(facts.secondsSinceCheckpoint) },
      },
    ],
    checked: 1,
    skipped: [],
    unknown: facts.permitted ? [] : [{ object: server, reason: 'insufficient_privilege', grant: facts.grant }],
  };
}

/** Why not now; undefined = now. */
export function tooRecent(secondsSinceCheckpoint: number, config: CheckpointConfig): string | undefined {
  const { force, min_interval_seconds: limit } = config;
  if (force || secondsSinceCheckpoint >= limit) return undefined;
  return `too_recent: the latest checkpoint began ${Math.round(secondsSinceCheckpoint)} s ago, min_interval_seconds is ${limit}`;
}
