import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { objectKey } from '@slacktide/domain';
import type { Leftover, LeftoverFacts } from './facts.ts';
import type { LeftoverCleanupConfig } from './schema.ts';
import { judgeLeftover, type Verdict } from './verdict.ts';

/** Table read twice and index written on a slow cloud disk: an estimate should rather be too long. */
const bytesPerSecond = 50 * 1024 * 1024;
/** The new index beside the old one with what is written meanwhile, and what is sorted for it. */
const rebuildFactor = 2.2;

type Work = Exclude<Verdict, { kind: 'skip' }>;
interface Chosen {
  readonly leftover: Leftover;
  readonly work: Work;
}

/** What is dropped makes room, and lets its original be rebuilt: it comes first. */
const order: Readonly<Record<Work['kind'], number>> = { drop: 0, rebuild: 1, complete: 2 };

/** Facts → one step for each leftover, drops first, the largest first. Pure. */
export function planCleanup(facts: LeftoverFacts, config: LeftoverCleanupConfig): Plan {
  const { named } = facts;
  const isAsked = ({ index }: Leftover): boolean =>
    named === null || named.some(({ quoted }) => quoted === index.quoted);
  const skipped: { object: string; reason: string }[] = [];
  const found: Chosen[] = [];
  const leftovers = facts.leftovers.filter(isAsked);
  for (const leftover of leftovers) {
    const verdict = judgeLeftover(leftover, config);
    if (verdict.kind === 'skip') skipped.push({ object: objectKey(leftover.finding.object), reason: verdict.reason });
    else found.push({ leftover, work: verdict });
  }
  const sorted = found.toSorted(
    (a, b) => order[a.work.kind] - order[b.work.kind] || b.leftover.index.sizeBytes - a.leftover.index.sizeBytes,
  );
  // A named one without the right stays in the plan, to fail: the caller asked for it.
  const due = sorted.filter((chosen) => named !== null || grantOf(chosen) === null);
  const chosen = named === null ? due.slice(0, config.max_indexes) : due;
  return {
    steps: chosen.map(toStep),
    checked: facts.checked,
    skipped: [
      ...skipped,
      ...due.slice(chosen.length).map(({ leftover }) => ({
        object: objectKey(leftover.finding.object),
        reason: 'over_max_indexes',
      })),
      ...inProgress(facts),
      ...notLeftovers(facts, leftovers),
    ],
    unknown: [
      ...facts.unknown.filter(({ object }) => named === null || named.some((name) => name.object === object)),
      ...sorted.flatMap((each) => {
        const grant = grantOf(each);
        if (grant === null) return [];
        const object = objectKey(each.leftover.finding.object);
        return [{ object, reason: 'insufficient_privilege', grant: grant === '' ? null : grant }];
      }),
    ],
  };
}

function inProgress({ skipped, named }: LeftoverFacts): LeftoverFacts['skipped'] {
  return skipped.filter(({ object }) => named === null || named.some((name) => name.object === object));
}

/** What was named, and is nothing that a check found. */
function notLeftovers({ named, skipped, unknown }: LeftoverFacts, leftovers: readonly Leftover[]): Plan['skipped'] {
  const told = new Set([...skipped, ...unknown].map(({ object }) => object));
  return (named ?? [])
    .filter(({ object, quoted }) => !told.has(object) && !leftovers.some(({ index }) => index.quoted === quoted))
    .map(({ object }) => ({ object, reason: 'not_a_leftover' }));
}

/** What the role lacks; null = nothing. */
function grantOf({ leftover: { index }, work }: Chosen): string | null {
  return work.kind === 'rebuild' ? index.rebuildGrant : index.dropGrant;
}

function toStep(chosen: Chosen): PlannedStep {
  const { leftover, work } = chosen;
  const { finding, index } = leftover;
  const { oid, schema, name, quoted, sizeBytes, tableSizeBytes } = index;
  const builds = work.kind !== 'drop';
  return {
    key: quoted,
    object: { kind: 'index', oid, schema, name },
    statements: work.statements,
    lockMode: work.kind === 'complete' ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds: expectedSeconds(work.kind, sizeBytes, tableSizeBytes),
    reversible: work.kind === 'drop' && finding.evidence['class'] !== 'reindex_leftover',
    cost: {
      action: work.kind === 'drop' ? 'drop_index' : work.kind === 'rebuild' ? 'reindex' : 'create_index',
      tempDiskBytes: work.kind === 'complete' ? null : builds ? Math.ceil(rebuildFactor * sizeBytes) : 0,
      walBytes: work.kind === 'complete' ? null : builds ? sizeBytes : 0,
    },
    data: {
      work: work.kind,
      class: finding.evidence['class'] ?? null,
      because: finding.summary,
      table_oid: index.tableOid,
      table: index.quotedTable,
      grant: grantOf(chosen),
      rollback_sql: work.kind === 'complete' ? [...(finding.action?.rollbackSql ?? [])] : [],
    },
  };
}

function expectedSeconds(kind: Work['kind'], sizeBytes: number, tableSizeBytes: number): number | null {
  if (kind === 'drop') return 1;
  return kind === 'complete' ? null : Math.ceil((2 * tableSizeBytes + sizeBytes) / bytesPerSecond);
}
