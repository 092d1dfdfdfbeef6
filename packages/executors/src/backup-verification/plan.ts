import type { Plan, PlannedStep, RegisteredBackup } from '@slacktide/application/ports';
import type { SkippedObject } from '@slacktide/domain';
import type { BackupFacts } from './facts.ts';
import { isUnder } from './file-place.ts';
import { rulesOf } from './rules.ts';
import type { BackupVerificationConfig } from './schema.ts';

export const walKey = 'wal';

const nothing = { statements: [], lockMode: null, expectedSeconds: 1, reversible: true } as const;

/** A step for each demand, one for WAL, and one for each file that can be looked at. */
export function planVerification(facts: BackupFacts, config: BackupVerificationConfig): Plan {
  const rules = rulesOf(config);
  const object = { kind: 'database', oid: null, schema: null, name: facts.database } as const;
  const kinds = [...new Set(rules.flatMap((rule) => rule.kinds))];
  const chosen = kinds.flatMap((kind) =>
    facts.backups.filter((backup) => backup.kind === kind).slice(0, config.verify_files),
  );
  const skipped = chosen.flatMap((backup): SkippedObject[] => {
    const reason = whyNotLookedAt(backup, facts);
    return reason === null ? [] : [{ object: `${backup.label} (${backup.id})`, reason }];
  });
  return {
    steps: [
      ...rules.map(
        (rule): PlannedStep => ({ key: rule.key, object, ...nothing, sizeBytes: null, data: { work: 'rule' } }),
      ),
      { key: walKey, object, ...nothing, sizeBytes: null, data: { work: 'wal' } },
      ...chosen.filter((backup) => whyNotLookedAt(backup, facts) === null).map((backup) => fileStep(backup, config)),
    ],
    checked: facts.backups.length,
    skipped,
    unknown: [],
  };
}

function whyNotLookedAt({ location }: RegisteredBackup, { fileRoots }: BackupFacts): string | null {
  if (!location.startsWith('/')) return 'location_is_no_path';
  return isUnder(location, fileRoots) ? null : 'not_under_a_file_root_of_the_worker';
}

function fileStep(backup: RegisteredBackup, config: BackupVerificationConfig): PlannedStep {
  const { id, label, location, sizeBytes, checksum } = backup;
  return {
    key: `file of ${label} (${id})`,
    object: { kind: 'file', oid: null, schema: null, name: location },
    ...nothing,
    sizeBytes,
    expectedSeconds: null,
    data: {
      work: 'file',
      backup_id: id,
      location,
      size_bytes: sizeBytes,
      checksum: config.verify_checksums ? checksum : null,
    },
  };
}
