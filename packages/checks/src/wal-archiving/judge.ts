import type { CheckReport, FoundFinding, JsonObject } from '@slacktide/domain';
import { describeAge } from '../catalogue/sessions.ts';
import { type Problem, problemOf } from './problem.ts';
import type { ArchivingFacts } from './read.ts';
import type { WalArchivingConfig } from './schema.ts';
import { parseSegment, segmentsSince } from './wal-segment.ts';

const object = 'wal_archiving';

/** Judges the archiver of the server, which is one for all its databases. */
export function judgeArchiving(facts: ArchivingFacts, config: WalArchivingConfig): CheckReport {
  const { archiveMode, inRecovery, backlog, backlogGrant } = facts;
  const behind = segmentsBehind(facts);
  const report = {
    check: 'wal_archiving' as const,
    checked: 1,
    skipped: [],
    unknown: [],
    findings: [],
    unjudged: [],
    figures: figuresOf(facts, behind),
  };
  const skip = (reason: string): CheckReport => ({ ...report, checked: 0, skipped: [{ object, reason }] });
  if (archiveMode === 'off') return skip('archive_mode_off');
  if (inRecovery && archiveMode !== 'always') return skip('standby_archives_only_with_always');
  const problem = problemOf(facts, behind, config);
  if (problem !== null) return { ...report, findings: [toFinding(problem, facts, behind, config)] };
  if (backlog !== null) return report;
  return { ...report, checked: 0, unknown: [{ object, reason: 'insufficient_privilege', grant: backlogGrant }] };
}

function toFinding(
  problem: Problem,
  facts: ArchivingFacts,
  behind: number | null,
  config: WalArchivingConfig,
): FoundFinding {
  return {
    fingerprint: object,
    severity: problem.severity,
    object: { kind: 'cluster', schema: null, name: object, table: null },
    summary: `${problem.summary}${describeBacklog(facts, behind)}`,
    evidence: {
      problem: problem.kind,
      ...figuresOf(facts, behind),
      oldest_ready_file: facts.backlog?.oldest ?? null,
      max_ready_files: config.max_ready_files,
      max_ready_seconds: config.max_ready_seconds,
      no_action_because: 'the archive command or library, or where it writes to, has to be put right on the server',
    },
    action: null,
  };
}

function describeBacklog({ backlog }: ArchivingFacts, behind: number | null): string {
  if (backlog === null) return behind === null || behind === 0 ? '' : `; ${behind} WAL files were finished since`;
  if (backlog.readyFiles === 0) return '';
  const files = backlog.readyFiles === 1 ? '1 WAL file waits' : `${backlog.readyFiles} WAL files wait`;
  return `; ${files}, the oldest for ${describeAge(backlog.oldestSeconds ?? 0)}`;
}

/** Null = nothing was archived yet, or last something that is no segment. */
function segmentsBehind({ lastArchivedWal, walPosition, segmentBytes }: ArchivingFacts): number | null {
  const archived = parseSegment(lastArchivedWal, segmentBytes);
  return archived === null || walPosition === null ? null : segmentsSince(archived, walPosition, segmentBytes);
}

function figuresOf(facts: ArchivingFacts, behind: number | null): JsonObject {
  const { backlog } = facts;
  return {
    archive_mode: facts.archiveMode,
    archives_by: facts.hasLibrary ? 'archive_library' : facts.hasCommand ? 'archive_command' : 'nothing',
    archived_count: facts.archivedCount,
    failed_count: facts.failedCount,
    last_archived_wal: facts.lastArchivedWal,
    last_archived_at: facts.lastArchivedAt,
    last_failed_wal: facts.lastFailedWal,
    last_failed_at: facts.lastFailedAt,
    segments_since_archived: behind,
    ready_files: backlog?.readyFiles ?? null,
    oldest_ready_seconds: backlog?.oldestSeconds == null ? null : Math.floor(backlog.oldestSeconds),
  };
}
