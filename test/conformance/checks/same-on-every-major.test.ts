import { type CheckName, type FoundFinding, type KnownFinding, reconcileFindings } from '@slacktide/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { majors, type PostgresMajor } from '../../support/postgres.ts';
import { curable, cure } from './cure.ts';
import { expectedOn } from './expected.ts';
import { type Observed, observe } from './observe.ts';
import { foundIn, isOwn, openShop, type Reports, runAll, type Shop } from './shop.ts';

interface Looked {
  readonly shop: Shop;
  readonly superuser: Reports;
  readonly observed: Observed;
  /** Of the indexes that unused_index may judge, before and after everybody's look. */
  readonly scans: readonly [Record<string, number>, Record<string, number>];
  readonly monitor: Reports;
  readonly nobody: Reports;
}

const looked = new Map<PostgresMajor, Looked>();

function lookedAt(major: PostgresMajor): Looked {
  const found = looked.get(major);
  if (found === undefined) throw new Error(`expected PostgreSQL ${major} to have been looked at`);
  return found;
}

// One after the other on each server, but on all servers at once.
beforeAll(async () => {
  await Promise.all(
    majors.map(async (major) => {
      const shop = await openShop(major);
      const before = await scansOf(shop);
      const { result: superuser, observed } = await observe(shop, runAll(shop));
      const monitor = await runAll(shop, shop.monitor);
      const nobody = await runAll(shop, shop.nobody);
      looked.set(major, { shop, superuser, observed, monitor, nobody, scans: [before, await scansOf(shop)] });
    }),
  );
}, 180_000);

afterAll(async () => {
  await Promise.all([...looked.values()].map(({ shop }) => shop.close()));
});

describe.each(majors)('all checks on PostgreSQL %i', (major) => {
  it('find what is there to be found, and nothing else', () => {
    const { shop, superuser } = lookedAt(major);
    expect(foundIn(shop, superuser)).toEqual(expectedOn(major));
  });

  it('hold no lock above ACCESS SHARE, and one session at a time', () => {
    const { locks, sessions } = lookedAt(major).observed;
    expect(locks).not.toEqual([]);
    expect(locks.filter((lock) => !lock.startsWith('AccessShareLock '))).toEqual([]);
    expect(sessions).toBe(1);
  });

  it('make no index look used', () => {
    const [before, after] = lookedAt(major).scans;
    expect(after).toEqual(before);
  });

  it.each(['monitor', 'nobody'] as const)('resolve nothing that role %s does not see', (role) => {
    const { shop, superuser, [role]: reports } = lookedAt(major);
    const changed = [...reports].flatMap(([name, report]) => {
      const own = (finding: FoundFinding): boolean => isOwn(shop, name, finding);
      const known = (superuser.get(name)?.findings ?? []).filter(own).map(asKnown);
      const { resolved, opened, seenAgain } = reconcileFindings(known, report);
      return [
        ...resolved.map(({ fingerprint }) => `${name} resolves ${fingerprint}`),
        ...opened.filter(own).map(({ fingerprint }) => `${name} opens ${fingerprint}`),
        ...seenAgain.flatMap(({ known: { severity }, found }) =>
          severity === found.severity ? [] : [`${name} calls ${found.fingerprint} ${found.severity}`],
        ),
      ];
    });
    // Rows that may not be read cannot be seen to break anything; the evidence says why they were not counted.
    expect(changed).toEqual(['invalid_constraint calls constraint:shop.payments.payments_positive warning']);
  });
});

describe('what checks propose', () => {
  it('cures, does no new harm, and comes to an end, whichever is heeded first', { timeout: 240_000 }, async () => {
    await Promise.all([curesOn(14, 'first to last'), curesOn(18, 'last to first')]);
  });
});

async function scansOf({ rig }: Shop): Promise<Record<string, number>> {
  const rows = await rig.sql<{ index: string; scans: number }>(`
    SELECT s.schemaname || '.' || s.indexrelname AS index, s.idx_scan::int AS scans
    FROM pg_stat_user_indexes AS s JOIN pg_index AS i USING (indexrelid) WHERE NOT i.indisunique ORDER BY 1`);
  return Object.fromEntries(rows.map(({ index, scans }) => [index, scans]));
}

async function curesOn(major: PostgresMajor, order: Parameters<typeof cure>[2]): Promise<void> {
  const { shop, superuser: before } = lookedAt(major);
  const { acted, after } = await cure(shop, before, order);
  const left = [...after].flatMap(([name, { findings }]) => curable(shop, name, findings));
  expect(left.map(({ summary }) => summary)).toEqual([]);
  const harm = [...after].flatMap(([name, { findings }]) => newHarm(shop, name, findings, before));
  // That the schema is another one now is for schema_drift to tell, of nothing but what was acted upon.
  const isMeant = ({ check, object }: (typeof harm)[number]): boolean =>
    check === 'schema_drift' &&
    acted.some((statement) => statement.replaceAll('""', '"').includes(object.name.replace(/\(.*/, '')));
  expect(harm.filter((each) => !isMeant(each)).map(({ check, summary }) => `${check}: ${summary}`)).toEqual([]);
}

function newHarm(shop: Shop, check: CheckName, findings: readonly FoundFinding[], before: Reports) {
  const known = new Set(before.get(check)?.findings.map(({ fingerprint }) => fingerprint));
  return findings
    .filter((finding) => finding.severity !== 'info' && isOwn(shop, check, finding) && !known.has(finding.fingerprint))
    .map((finding) => ({ ...finding, check }));
}

/** A finding as the ledger knows it after the superuser's look. */
function asKnown(finding: FoundFinding): KnownFinding {
  return { ...finding, id: finding.fingerprint, isResolved: false, isMuted: false };
}
