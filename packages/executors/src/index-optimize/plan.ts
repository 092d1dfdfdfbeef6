import type { GuardedIndex } from '@slacktide/acting';
import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { objectKey } from '@slacktide/domain';
import type { Candidate, Verdicts } from './candidate.ts';
import type { OptimizeFacts } from './facts.ts';
import { pickRebuilds } from './pick-rebuilds.ts';
import type { IndexOptimizeConfig } from './schema.ts';
import { wayOf } from './ways.ts';

/** Drops before rebuilds: what goes need not be rebuilt. Whatever is left out says why. */
export function planOptimize(facts: OptimizeFacts, config: IndexOptimizeConfig): Plan {
  const verdicts: Verdicts = { skipped: [], unknown: [] };
  const candidates = candidatesOf(facts, config);
  const drops = pickDrops(
    candidates.filter(({ way }) => way !== 'rebuild'),
    config,
    verdicts,
  );
  const going = new Set(drops.map(({ index }) => index.oid));
  const rebuilds = pickRebuilds(
    candidates.filter(({ way, index }) => way === 'rebuild' && !going.has(index.oid)),
    facts.advice,
    config,
    verdicts,
  );
  for (const { way, report } of facts.reports) {
    verdicts.skipped.push(...report.skipped.filter(({ reason }) => way === 'unused' && isWorthTelling(reason)));
    for (const unknown of report.unknown) {
      const reason = way === 'unused' ? facts.underWatched.get(unknown.object) : undefined;
      if (reason === undefined) verdicts.unknown.push(unknown);
      else verdicts.skipped.push({ object: unknown.object, reason });
    }
  }
  const checked = new Set(facts.indexes.keys()).size;
  return {
    steps: [...drops.map(toDrop), ...rebuilds.map(toRebuild)],
    checked: Math.max(checked, ...facts.reports.map(({ report }) => report.checked)),
    ...verdicts,
  };
}

/** Of every rule of the check, those that keep an index although nobody uses it. */
function isWorthTelling(reason: string): boolean {
  return reason.includes('foreign key');
}

function candidatesOf({ reports, indexes }: OptimizeFacts, { schemas }: IndexOptimizeConfig): Candidate[] {
  return reports.flatMap(({ way, report }) =>
    report.findings.flatMap((finding): Candidate[] => {
      const index = indexes.get(objectKey(finding.object));
      const isMeant = finding.object.kind === 'index' && finding.action !== null;
      if (index === undefined || !isMeant) return [];
      return schemas.length === 0 || schemas.includes(index.schema) ? [{ way, finding, index }] : [];
    }),
  );
}

/** Never both halves of a pair: what keeps the work of another stays, and where the keeper goes the other stays. */
function pickDrops(
  candidates: readonly Candidate[],
  { max_drops }: IndexOptimizeConfig,
  verdicts: Verdicts,
): Candidate[] {
  const picked: Candidate[] = [];
  const going = new Set<string>();
  const keeping = new Set<string>();
  for (const candidate of candidates) {
    const { way, finding, index } = candidate;
    const name = objectKey(finding.object);
    const keeper = wayOf(way).keeperOf(finding);
    if (going.has(name)) continue;
    const reason = reasonToKeep(candidate, { keeper, going, keeping, isFull: picked.length >= max_drops });
    if (reason !== null) verdicts.skipped.push({ object: index.quoted, reason });
    else if (!index.permitted) {
      verdicts.unknown.push({ object: index.quoted, reason: 'insufficient_privilege', grant: index.grant });
    } else {
      picked.push(candidate);
      going.add(name);
      if (keeper !== null) keeping.add(keeper);
    }
  }
  return picked;
}

interface Picked {
  readonly keeper: string | null;
  readonly going: ReadonlySet<string>;
  readonly keeping: ReadonlySet<string>;
  readonly isFull: boolean;
}

function reasonToKeep({ finding, index }: Candidate, { keeper, going, keeping, isFull }: Picked): string | null {
  const [guard] = index.guards;
  if (guard !== undefined) return guard;
  if (keeping.has(objectKey(finding.object))) return 'does_the_work_of_another';
  if (keeper !== null && going.has(keeper)) return 'its_keeper_goes';
  if (finding.evidence['order'] === 'mirrored_order') return 'mirrored_order';
  return isFull ? 'over_max_drops' : null;
}

/** The rehearsal is part of what is sent: it takes the lock that a drop takes, for moments, and gives everything back. */
function toDrop({ way, finding, index }: Candidate): PlannedStep {
  return {
    ...stepOf(index),
    statements: ['BEGIN', `DROP INDEX ${index.quoted}`, 'ROLLBACK', `DROP INDEX CONCURRENTLY ${index.quoted}`],
    lockMode: 'ACCESS EXCLUSIVE',
    cost: { action: 'drop_index', tempDiskBytes: 0, walBytes: null },
    data: {
      way,
      because: finding.summary,
      fingerprint: finding.fingerprint,
      keeper: wayOf(way).keeperOf(finding),
      table_oid: index.tableOid,
    },
  };
}

function toRebuild({ way, finding, index }: Candidate): PlannedStep {
  return {
    ...stepOf(index),
    statements: [`REINDEX INDEX CONCURRENTLY ${index.quoted}`],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    cost: { action: 'reindex', tempDiskBytes: index.sizeBytes, walBytes: index.sizeBytes },
    data: {
      way,
      because: finding.summary,
      waste_percent: finding.evidence['waste_percent'] ?? null,
      fillfactor: finding.evidence['fillfactor'] ?? null,
      table_oid: index.tableOid,
    },
  };
}

function stepOf({ oid, schema, name, quoted, sizeBytes }: GuardedIndex) {
  return {
    key: quoted,
    object: { kind: 'index', oid, schema, name } as const,
    sizeBytes,
    expectedSeconds: null,
    reversible: true,
  };
}
