import {
  type CheckReport,
  type FoundFinding,
  objectKey,
  type SkippedObject,
  type UnknownObject,
} from '@slacktide/domain';
import type { AmcheckFacts, Verifiers } from './amcheck.ts';
import { type ChecksumCounter, checksumFinding, rememberChecksums, sharedKey } from './checksums.ts';
import { type CollationRow, collationFinding, hasChanged, unknownCollation } from './collations.ts';
import { type RelationRow, uncheckedGin } from './relations.ts';
import { type IntegrityMemory, writeMemory } from './remembered.ts';
import type { IntegrityConfig } from './schema.ts';
import type { Verdict } from './verify.ts';
import { isWeaker, rememberCorrupt } from './weaker-look.ts';

/** What was verified in this run. */
export interface Verified {
  /** By the quoted name; what is not in it had no turn. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly bytesRead: number;
  /** Where the next run goes on; null = at the beginning. */
  readonly cursor: number | null;
  /** Where INDEX_CONSISTENCY_CHECK goes on; left out = as it was. */
  readonly consistency?: number | null;
  /** What was switched on: `switchesOf`. */
  readonly switches: readonly string[];
}

export interface IntegrityFacts extends Verified {
  readonly database: string;
  readonly relations: readonly RelationRow[];
  readonly checksums: readonly ChecksumCounter[];
  readonly collations: readonly CollationRow[];
  readonly amcheck: AmcheckFacts;
  readonly verifiers: Verifiers;
  readonly remembered: IntegrityMemory;
  readonly now: Date;
}

/** What to do first, whatever is corrupt. */
export const firstSteps =
  'copy the files as they are before anything else: a rebuild of the index hides what was lost in the table, and every write may make it worse';

type Part = Pick<CheckReport, 'findings' | 'unknown' | 'skipped'> & {
  readonly checked: number;
  readonly unjudged: readonly string[];
};

export function judgeIntegrity(facts: IntegrityFacts, config: IntegrityConfig): CheckReport {
  const { consistency = facts.remembered.consistency } = facts;
  const memory: IntegrityMemory = {
    cursor: facts.cursor,
    ...(consistency === undefined ? {} : { consistency }),
    corrupt: rememberCorrupt(facts.remembered.corrupt, facts.verdicts, facts.relations, facts.switches),
    ...Object.fromEntries(
      facts.checksums.map((counter) => [
        counter.scope,
        rememberChecksums(counter, facts.remembered[counter.scope], facts.now),
      ]),
    ),
  };
  const relations = judgeRelations(facts);
  const parts = [judgeChecksums(facts, memory, config), judgeCollations(facts), relations];
  return {
    check: 'integrity',
    checked: parts.reduce((sum, { checked }) => sum + checked, 0),
    skipped: parts.flatMap(({ skipped }) => skipped),
    unknown: [...unusable(facts), ...parts.flatMap(({ unknown }) => unknown)],
    findings: parts.flatMap(({ findings }) => findings),
    unjudged: [...parts.flatMap(({ unjudged }) => unjudged), ...relations.kept],
    figures: {
      relations_verified: relations.checked,
      relations_corrupt: relations.findings.length,
      relations_left: relations.unjudged.length,
      bytes_read: facts.bytesRead,
      checksums: facts.checksums.some(({ failures }) => failures !== null) ? 'on' : 'off',
      amcheck_version: facts.amcheck.version,
    },
    snapshot: writeMemory(memory),
  };
}

/** The catalogues themselves could not be read. */
export function unreadableCatalogues(
  database: string,
  { message, details }: Extract<Verdict, { kind: 'corrupt' }>,
  remembered: IntegrityMemory,
): CheckReport {
  return {
    check: 'integrity',
    checked: 0,
    skipped: [],
    unknown: [],
    findings: [
      {
        fingerprint: `catalogues:${database}`,
        severity: 'critical',
        // Not the database itself: checksums that are off leave findings about that open.
        object: { kind: 'catalogues', schema: null, name: `${database} catalogues`, table: null },
        summary: `The catalogues of database ${database} are corrupt: ${message}`,
        evidence: { message, ...details, no_action_because: firstSteps },
        action: null,
      },
    ],
    unjudged: 'all',
    figures: {},
    snapshot: writeMemory(remembered),
  };
}

function judgeChecksums(
  { checksums, database, now }: IntegrityFacts,
  memory: IntegrityMemory,
  config: IntegrityConfig,
): Part {
  const context = { database, now, rememberDays: config.remember_days };
  const off = checksums.every(({ failures }) => failures === null);
  return {
    checked: checksums.filter(({ failures }) => failures !== null).length,
    skipped: [],
    unknown: off ? [{ object: database, reason: 'checksums_off', grant: null }] : [],
    findings: checksums.flatMap((counter) => checksumFinding(counter, memory[counter.scope], context) ?? []),
    unjudged: off ? [sharedKey] : [],
  };
}

function judgeCollations({ collations, relations }: IntegrityFacts): Part {
  const changed = collations.filter(hasChanged);
  const unknown = collations.flatMap((collation) => unknownCollation(collation) ?? []);
  return {
    checked: collations.length - unknown.length,
    skipped: [],
    unknown,
    findings: changed.map((collation) =>
      collationFinding(
        collation,
        relations.filter((relation) => relation.collations.includes(collation.oid)),
      ),
    ),
    unjudged: [],
  };
}

/** `kept` = left out by the check, but not by INDEX_CONSISTENCY_CHECK, or looked at less closely than when it was found corrupt: findings stay. */
function judgeRelations(facts: IntegrityFacts): Part & { readonly kept: readonly string[] } {
  const { relations, verdicts, collations, remembered, switches } = facts;
  const changed = new Map(collations.filter(hasChanged).map((collation) => [collation.oid, collation.quoted]));
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  const findings: FoundFinding[] = [];
  const unjudged: string[] = [];
  const kept: string[] = [];
  let checked = 0;
  for (const relation of relations) {
    const object = objectKey(relation);
    const verdict = verdicts.get(relation.quoted);
    if (verdict === undefined && relation.excluded !== null) {
      skipped.push({ object, reason: relation.excluded });
      if (relation.excluded === uncheckedGin) kept.push(object);
    } else if (verdict === undefined) unjudged.push(object);
    else if (verdict.kind === 'unverified') unknown.push({ object, reason: verdict.reason, grant: null });
    else {
      checked += 1;
      if (verdict.kind === 'sound' && isWeaker(remembered.corrupt?.[relation.quoted], switches)) kept.push(object);
      if (verdict.kind === 'corrupt') findings.push(corruptionFinding(relation, verdict, changed));
    }
  }
  return { checked, skipped, unknown, findings, unjudged, kept };
}

function corruptionFinding(
  relation: RelationRow,
  { message, details }: Extract<Verdict, { kind: 'corrupt' }>,
  changedCollations: ReadonlyMap<number, string>,
): FoundFinding {
  const { kind, schema, name, quoted, table, toastOf } = relation;
  const collations = relation.collations.flatMap((oid) => changedCollations.get(oid) ?? []);
  const title = { index: 'Index', table: 'Table', matview: 'Materialized view', toast_table: 'TOAST table' }[kind];
  const of = toastOf === null ? '' : ` (of the TOAST table of ${toastOf})`;
  return {
    fingerprint: `${kind === 'index' ? 'index' : 'table'}:${quoted}`,
    severity: 'critical',
    object: { kind, schema, name, table },
    summary: `${title} ${objectKey(relation)}${of} is corrupt: ${message}`,
    evidence: {
      message,
      ...details,
      ...(toastOf === null ? {} : { toast_of: toastOf }),
      ...(collations.length === 0 ? {} : { changed_collations: collations }),
      no_action_because: firstSteps,
    },
    action: null,
  };
}

/** What is missing to verify with, told once and not for every relation. */
function unusable({ verifiers: { indexes, heaps, reservations } }: IntegrityFacts): UnknownObject[] {
  const missing = [indexes, heaps].flatMap((verifier) =>
    verifier?.kind === 'unusable' ? [{ object: 'amcheck', reason: verifier.reason, grant: verifier.grant }] : [],
  );
  const told = [...missing, ...reservations];
  return told.filter(({ reason, grant }, position) => {
    const first = told.findIndex((other) => other.reason === reason && other.grant === grant);
    return first === position;
  });
}
