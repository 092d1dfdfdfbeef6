import type { Plan } from '@slacktide/application/ports';
import type { OtherDatabase, VacuumFacts } from './facts.ts';

/**
 * Databases whose transaction ids are late, and that this session cannot vacuum: whoever can connect to them has to, or a target of their own; one that
 * allows no connections waits for autovacuum, and nobody looks after it.
 */
export function otherDatabases({
  databases,
  settings,
}: Pick<VacuumFacts, 'databases' | 'settings'>): Pick<Plan, 'skipped' | 'unknown'> {
  const late = databases.flatMap((database) => {
    const how = lateness(database, settings);
    return how === null ? [] : [{ ...database, how }];
  });
  return {
    skipped: late
      .filter(({ allowsConnections }) => allowsConnections)
      .map(({ name, how }) => ({ object: name, reason: `another_database: ${how}` })),
    unknown: late
      .filter(({ allowsConnections }) => !allowsConnections)
      .map(({ name, how, allowSql }) => ({ object: name, reason: `allows_no_connections: ${how}`, grant: allowSql })),
  };
}

function lateness({ xidAge, multixactAge }: OtherDatabase, settings: VacuumFacts['settings']): string | null {
  const isUrgent = xidAge > settings.vacuum_failsafe_age || multixactAge > settings.vacuum_multixact_failsafe_age;
  if (isUrgent) return 'wraparound_urgent';
  const isLate =
    xidAge > settings.autovacuum_freeze_max_age || multixactAge > settings.autovacuum_multixact_freeze_max_age;
  return isLate ? 'wraparound_late' : null;
}
