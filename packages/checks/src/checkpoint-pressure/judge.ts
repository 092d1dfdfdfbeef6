import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport, FoundFinding, JsonObject } from '@slacktide/domain';
import type { CheckpointFacts } from './read.ts';
import type { CheckpointPressureConfig } from './schema.ts';
import { type CheckpointWindow, snapshotOf, windowOf } from './window.ts';

const object = { kind: 'cluster', schema: null, name: 'checkpoints', table: null } as const;

/** `earlier` looks within the window, newest first. */
export function judgeCheckpoints(
  facts: CheckpointFacts,
  earlier: readonly CheckSnapshot[],
  config: CheckpointPressureConfig,
): CheckReport {
  const base = {
    check: 'checkpoint_pressure' as const,
    checked: 0,
    skipped: [],
    findings: [],
    unjudged: [],
    snapshot: snapshotOf(facts),
  };
  const unknown = (reason: string, figures: JsonObject): CheckReport => ({
    ...base,
    unknown: [{ object: object.name, reason, grant: null }],
    figures,
  });
  const window = windowOf(facts, earlier, config.window_hours);
  if (window === undefined) return unknown('no earlier look to compare with', {});
  const measured = measure(facts, window);
  if (measured.checkpoints < config.min_checkpoints) {
    const reason = `only ${measured.checkpoints} checkpoints since ${measured.since}; ${config.min_checkpoints} are needed`;
    return unknown(reason, measured);
  }
  const findings = [requestedFinding(facts, measured, config), longFinding(facts, measured)];
  return {
    ...base,
    checked: 1,
    unknown: [],
    findings: findings.filter((finding) => finding !== undefined),
    figures: measured,
  };
}

type Measured = ReturnType<typeof measure>;

function measure(facts: CheckpointFacts, { counters, sinceMs, walBytes }: CheckpointWindow) {
  const { timed, requested, done, writeMs, syncMs } = counters;
  // Timed ones are also counted when there was nothing to do: those done tell how many there really were.
  const checkpoints = done === null ? timed + requested : Math.max(done, requested);
  const perCheckpoint = (ms: number): number => Math.round(ms / Math.max(1, done ?? checkpoints)) / 1000;
  // A checkpoint starts early enough to be over when max_wal_size is reached.
  const walPerCheckpoint = facts.maxWalSizeBytes / (1 + facts.completionTarget);
  return {
    checkpoints,
    timed,
    requested,
    done,
    requested_percent: checkpoints === 0 ? 0 : Math.round((1000 * requested) / checkpoints) / 10,
    mean_write_seconds: perCheckpoint(writeMs),
    mean_sync_seconds: perCheckpoint(syncMs),
    buffers_written: counters.buffersWritten,
    wal_bytes: walBytes,
    /** How many checkpoints that much WAL asks for. */
    checkpoints_by_wal: walBytes === null ? null : Math.round((10 * walBytes) / walPerCheckpoint) / 10,
    restartpoints: facts.inRecovery,
    since: new Date(sinceMs).toISOString(),
    hours: Math.round((facts.nowMs - sinceMs) / 360_000) / 10,
  };
}

function requestedFinding(
  facts: CheckpointFacts,
  measured: Measured,
  config: CheckpointPressureConfig,
): FoundFinding | undefined {
  if (measured.requested_percent <= config.max_requested_percent) return undefined;
  const { requested, checkpoints, requested_percent: percent, since, checkpoints_by_wal: byWal } = measured;
  // Too little WAL to have asked for them: CHECKPOINT, base backups, CREATE DATABASE and the like did.
  const byCommand = byWal !== null && byWal < requested / 2;
  return {
    fingerprint: 'cluster:requested_checkpoints',
    severity: byCommand ? 'info' : 'warning',
    object,
    summary: byCommand
      ? `${requested} of ${checkpoints} checkpoints since ${since} (${percent} %) were asked for by commands, not by the WAL written`
      : `${requested} of ${checkpoints} checkpoints since ${since} (${percent} %) came before their time: max_wal_size is ${inMiB(facts.maxWalSizeBytes)} MiB`,
    evidence: {
      ...measured,
      ...settingsJson(facts),
      max_requested_percent: config.max_requested_percent,
      cause: byWal === null ? 'unknown' : byCommand ? 'commands' : 'wal',
      advice: byCommand
        ? 'see who runs CHECKPOINT, base backups or CREATE DATABASE so often'
        : 'raise max_wal_size, so that the WAL of checkpoint_timeout fits in',
      suggested_max_wal_size_mb: byCommand ? null : suggestedMiB(facts, measured),
      no_action_because: 'how much disk WAL may take, and how long recovery, is a matter of the server',
    },
    action: null,
  };
}

/** The WAL of one checkpoint_timeout, at the mean rate of the window, and as much again as is written until the next one is over. */
function suggestedMiB(facts: CheckpointFacts, { wal_bytes: walBytes, since }: Measured): number | null {
  const seconds = (facts.nowMs - Date.parse(since)) / 1000;
  if (walBytes === null || seconds <= 0) return null;
  const perTimeout = (walBytes / seconds) * facts.checkpointTimeoutSeconds;
  const needed = inMiB(perTimeout * (1 + facts.completionTarget));
  return Math.max(2 * inMiB(facts.maxWalSizeBytes), 2 ** Math.ceil(Math.log2(Math.max(1, needed))));
}

/** Checkpoints that are not over when the next one is due. */
function longFinding(facts: CheckpointFacts, measured: Measured): FoundFinding | undefined {
  const seconds = measured.mean_write_seconds + measured.mean_sync_seconds;
  if (seconds <= facts.checkpointTimeoutSeconds) return undefined;
  return {
    fingerprint: 'cluster:long_checkpoints',
    severity: 'warning',
    object,
    summary: `Checkpoints since ${measured.since} took ${Math.round(seconds)} s on average, and are due every ${facts.checkpointTimeoutSeconds} s`,
    evidence: {
      ...measured,
      ...settingsJson(facts),
      expected_seconds: facts.checkpointTimeoutSeconds * facts.completionTarget,
      advice: 'see whether the storage keeps up; a longer checkpoint_timeout writes each page less often',
      no_action_because: 'what keeps the storage from keeping up is not to be seen from here',
    },
    action: null,
  };
}

function settingsJson(facts: CheckpointFacts): JsonObject {
  return {
    max_wal_size_mb: inMiB(facts.maxWalSizeBytes),
    checkpoint_timeout_seconds: facts.checkpointTimeoutSeconds,
    checkpoint_completion_target: facts.completionTarget,
  };
}

function inMiB(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
