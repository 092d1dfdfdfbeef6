import type { Severity } from '@slacktide/domain';
import type { ArchivingFacts } from './read.ts';
import type { WalArchivingConfig } from './schema.ts';

/** What is wrong with archiving; the first that applies. */
export interface Problem {
  readonly kind: 'nothing_set' | 'both_set' | 'failing' | 'backlog';
  readonly severity: Severity;
  readonly summary: string;
}

/** Since then a command and a library together are an error of the archiver; before, the library won. */
const exclusiveSince = 160_000;

/** Null = nothing, as far as it could be seen. `behind` = segments finished since the last one that was archived. */
export function problemOf(facts: ArchivingFacts, behind: number | null, config: WalArchivingConfig): Problem | null {
  const { backlog, hasCommand, hasLibrary, archiveMode } = facts;
  if (!hasCommand && !hasLibrary) {
    // Without a look into the directory, WAL has to be presumed to pile up.
    const severity = backlog?.readyFiles === 0 ? 'warning' : 'critical';
    const summary = `archive_mode is ${archiveMode}, but nothing is set that would archive: WAL piles up`;
    return { kind: 'nothing_set', severity, summary };
  }
  if (hasCommand && hasLibrary && facts.serverVersion >= exclusiveSince) {
    const summary = 'Both archive_command and archive_library are set: the server archives by neither';
    return { kind: 'both_set', severity: 'critical', summary };
  }
  const isLate = backlog !== null && (backlog.oldestSeconds ?? 0) > config.max_ready_seconds;
  // What failed last is still waiting, unless somebody took it away.
  if (facts.lastTryFailed && backlog?.readyFiles !== 0) {
    const never = facts.lastArchivedAt === null;
    return {
      kind: 'failing',
      severity: never || isLate || backlog === null ? 'critical' : 'warning',
      summary: never
        ? `Archiving has never succeeded: ${facts.failedCount} tries failed, the last at ${facts.lastFailedAt} with ${facts.lastFailedWal}`
        : `Archiving fails since ${facts.lastArchivedAt}: the last try was at ${facts.lastFailedAt} with ${facts.lastFailedWal}`,
    };
  }
  // An idle server archives nothing for days: what counts is what waits, not how long ago the last was archived.
  const waiting = backlog?.readyFiles ?? behind ?? 0;
  if (!isLate && waiting <= config.max_ready_files) return null;
  return { kind: 'backlog', severity: 'warning', summary: 'The archiver does not keep up with WAL' };
}
