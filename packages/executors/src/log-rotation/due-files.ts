import { type FileIdentity, isPlainName, shown } from '@slacktide/acting';
import type { Plan } from '@slacktide/application/ports';
import type { LogFacts, SeenFile, SeenFolder } from './facts.ts';
import type { FileRule, LogRotationConfig } from './schema.ts';

/** A file that a rule is to be applied to. */
export interface DueFile {
  readonly rule: FileRule;
  readonly folder: { readonly device: string; readonly inode: string };
  readonly name: string;
  readonly identity: FileIdentity;
}

type Skipped = Plan['skipped'][number];
type NamedFile = SeenFile & { readonly name: string; readonly identity: FileIdentity };

const msPerDay = 86_400_000;
/** Bytes that a name may have on every file system that is in use. */
const longestNameBytes = 255;
const compressed = /\.(?:zst|gz|bz2|xz|lz4|zip)$/;
/** Named one by one; the rest is counted. */
const namedAtMost = 100;
/** Every file that we make while we work begins so. */
export const ownPrefix = '.slacktide-';

/** Sorts the files of every rule into those that are due and those that are not, with the reason. Pure. */
export function dueFiles(facts: LogFacts, config: LogRotationConfig) {
  const due: DueFile[] = [];
  const skipped: Skipped[] = [];
  const unknown: Plan['unknown'][number][] = [];
  const taken = new Set<string>();
  let checked = 0;
  for (const [position, rule] of config.rules.entries()) {
    const folder = facts.folders[position];
    if (folder === undefined) throw new Error(`expected a folder for rule ${position}`);
    const object = shown(`${rule.root}/${rule.pattern}`);
    const reason = unseenBecause(folder);
    if (folder.kind === 'unseen' || reason !== undefined) {
      checked += 1;
      unknown.push({ object, reason: reason ?? '', grant: null });
      continue;
    }
    checked += folder.files.length;
    const sorted = sortFiles(rule, folder.files, facts, taken);
    skipped.push(...sorted.skipped);
    for (const { name, identity } of sorted.due) {
      taken.add(`${rule.root}/${name}`);
      due.push({ rule, folder: { device: folder.device, inode: folder.inode }, name, identity });
    }
  }
  return { due, skipped, unknown, checked };
}

function unseenBecause(folder: SeenFolder): string | undefined {
  if (folder.kind === 'unseen') return folder.reason;
  return folder.isWhole ? undefined : `too_many_files: more than ${folder.files.length}`;
}

function sortFiles(rule: FileRule, files: readonly SeenFile[], facts: LogFacts, taken: ReadonlySet<string>) {
  const named: Skipped[] = [];
  const counted = new Map<string, number>();
  const count = (reason: string): void => void counted.set(reason, (counted.get(reason) ?? 0) + 1);
  const candidates: NamedFile[] = [];
  for (const file of files.toSorted((a, b) => (a.shownAs < b.shownAs ? -1 : 1))) {
    const reason = notOurs(file, rule);
    if (reason === undefined) candidates.push(file as NamedFile);
    else if (named.length < namedAtMost) named.push({ object: placeOf(rule, file), reason });
    else count(reason);
  }
  const newest = new Set(candidates.toSorted(byNewest).slice(0, rule.keep_newest));
  const due = candidates.filter((file) => {
    const reason = notNow(file, rule, facts, { isNewest: newest.has(file), taken });
    if (reason !== undefined) count(reason);
    return reason === undefined;
  });
  const object = shown(`${rule.root}/${rule.pattern}`);
  const rest = [...counted].map(([reason, files]) => ({ object, reason: `${reason}: ${files} files` }));
  return { due, skipped: [...named, ...rest] };
}

function placeOf({ root }: FileRule, { name, shownAs }: SeenFile): string {
  return name === null ? `${root}/${shownAs}` : shown(`${root}/${name}`);
}

/** Why a file is never touched under the rule. */
function notOurs(file: SeenFile, rule: FileRule): string | undefined {
  if (file.name === null || file.identity === null || !isPlainName(file.name)) return 'unsafe_name';
  if (file.name.startsWith(ownPrefix)) return 'in_work';
  if (file.kind !== 'ordinary') return file.kind;
  if (rule.action !== 'compress') return undefined;
  if (compressed.test(file.name)) return 'already_compressed';
  return Buffer.byteLength(`${file.name}.zst`) > longestNameBytes ? 'name_too_long' : undefined;
}

/** Why a file is left alone this time. */
function notNow(
  { name, identity, isWrittenTo }: NamedFile,
  rule: FileRule,
  { nowMs, serverLog }: LogFacts,
  { isNewest, taken }: { readonly isNewest: boolean; readonly taken: ReadonlySet<string> },
): string | undefined {
  if (taken.has(`${rule.root}/${name}`)) return 'taken_by_an_earlier_rule';
  if (serverLog.current?.includes(name) === true) return 'in_use_by_the_server';
  if (isWrittenTo) return 'open_for_writing';
  if (isNewest) return 'newest';
  const ageMs = nowMs - Number(BigInt(identity.modifiedNs) / 1_000_000n);
  return ageMs < rule.min_age_days * msPerDay ? 'younger_than_min_age_days' : undefined;
}

function byNewest(one: NamedFile, other: NamedFile): number {
  const [a, b] = [BigInt(one.identity.modifiedNs), BigInt(other.identity.modifiedNs)];
  if (a !== b) return a > b ? -1 : 1;
  return one.name > other.name ? -1 : 1;
}
