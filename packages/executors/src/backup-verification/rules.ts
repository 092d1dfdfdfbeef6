import type { RegisteredBackup } from '@slacktide/application/ports';
import type { BackupKind, JsonObject, TaskError } from '@slacktide/domain';
import type { BackupVerificationConfig } from './schema.ts';

/** One demand: the latest backup of these kinds may be so old. */
export interface Rule {
  readonly key: string;
  readonly kinds: readonly BackupKind[];
  readonly maxAgeHours: number;
}

const anyButWal: readonly BackupKind[] = ['full', 'incremental', 'logical', 'snapshot'];
/** What WAL is replayed onto. */
export const bases: readonly BackupKind[] = ['full', 'snapshot'];
/** As large as the database, more or less; the others are as large as what changed. */
const wholes: readonly BackupKind[] = ['full', 'logical', 'snapshot'];

export function rulesOf({ kinds, max_age_hours }: BackupVerificationConfig): readonly Rule[] {
  const named = (Object.entries(kinds) as [BackupKind, number | undefined][]).flatMap(([kind, maxAgeHours]): Rule[] =>
    maxAgeHours === undefined ? [] : [{ key: `${kind} backups`, kinds: [kind], maxAgeHours }],
  );
  return named.length > 0 ? named : [{ key: 'backups', kinds: anyButWal, maxAgeHours: max_age_hours }];
}

/** What is wrong with the backups a rule is about, or the latest of them; `backups` are all there are, the latest first. */
export function judgeRule(
  rule: Rule,
  backups: readonly RegisteredBackup[],
  now: Date,
  config: BackupVerificationConfig,
):
  | { readonly kind: 'well'; readonly latest: RegisteredBackup; readonly count: number }
  | { readonly kind: 'bad'; readonly error: TaskError } {
  const own = backups.filter(({ kind }) => rule.kinds.includes(kind));
  const [latest] = own;
  const what = rule.kinds.length === 1 ? `${rule.kinds[0]} backup` : 'backup';
  if (latest === undefined) return bad('backup_missing', `no ${what} is registered`, { kinds: rule.kinds });
  const about = { backup_id: latest.id, label: latest.label, taken_at: latest.takenAt.toISOString() };
  if (own.length < config.min_count) {
    return bad('backup_missing', `${own.length} ${what}s are registered, not ${config.min_count}`, about);
  }
  const ageHours = Math.max(0, now.getTime() - latest.takenAt.getTime()) / 3_600_000;
  if (ageHours > rule.maxAgeHours) {
    const message = `the latest ${what}, ${latest.label}, was taken ${rounded(ageHours)} h ago; it may be ${rule.maxAgeHours} h old`;
    return bad('backup_too_old', message, { ...about, age_hours: rounded(ageHours), max_age_hours: rule.maxAgeHours });
  }
  if (latest.kind === 'incremental' && !hasBase(latest, backups)) {
    return bad('backup_missing', `the incremental backup ${latest.label} builds on none that is registered`, about);
  }
  const tooSmall = whyTooSmall(latest, own, config);
  if (tooSmall !== null) return bad('backup_too_small', tooSmall, { ...about, size_bytes: latest.sizeBytes });
  return { kind: 'well', latest, count: own.length };
}

function hasBase({ takenAt }: RegisteredBackup, backups: readonly RegisteredBackup[]): boolean {
  return backups.some((other) => bases.includes(other.kind) && other.takenAt <= takenAt);
}

/** Fewer say nothing of what is usual; more than that go back too far. */
const [fewestEarlier, mostEarlier] = [3, 10];

function whyTooSmall(
  latest: RegisteredBackup,
  own: readonly RegisteredBackup[],
  { min_size_bytes: least, max_shrink_percent: shrink }: BackupVerificationConfig,
): string | null {
  const { label, sizeBytes, kind } = latest;
  if (sizeBytes < least) return `${label} has ${sizeBytes} bytes; it should have ${least} at least`;
  const earlier = own.filter((other) => other !== latest && other.kind === kind).slice(0, mostEarlier);
  if (!wholes.includes(kind) || earlier.length < fewestEarlier) return null;
  const usual = median(earlier.map((other) => other.sizeBytes));
  if (sizeBytes >= usual * (1 - shrink / 100)) return null;
  const smaller = Math.round(100 * (1 - sizeBytes / usual));
  return `${label} has ${sizeBytes} bytes, ${smaller} % less than the ${earlier.length} before it (median ${usual})`;
}

function median(sizes: readonly number[]): number {
  const sorted = sizes.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function rounded(hours: number): number {
  return Math.round(hours * 10) / 10;
}

function bad(code: string, message: string, detail: JsonObject): { readonly kind: 'bad'; readonly error: TaskError } {
  return { kind: 'bad', error: { code, message, detail } };
}
