import { describe, expect, it } from 'vitest';
import type { InvalidIndex } from '../catalogue/invalid-index-details.ts';
import { judgeOrphanedIndexes, type OrphanedIndexFacts } from './judge.ts';

const leftover: InvalidIndex = {
  oid: 1,
  schema: 'shop',
  name: 'orders_n_ccnew',
  table: 'orders',
  quoted: 'shop.orders_n_ccnew',
  quotedTable: 'shop.orders',
  partitioned: false,
  toastOf: null,
  valid: false,
  ready: true,
  live: true,
  unique: false,
  exclusion: false,
  constraint: null,
  replicaIdentity: false,
  parent: null,
  parentUsable: null,
  sizeBytes: 8192,
  scans: 0,
  definition: 'CREATE INDEX orders_n_ccnew ON shop.orders USING btree (n)',
  dropSql: 'DROP INDEX CONCURRENTLY shop.orders_n_ccnew',
  reindexSql: 'REINDEX INDEX CONCURRENTLY shop.orders_n_ccnew',
  restore: 'CREATE INDEX CONCURRENTLY orders_n_ccnew ON shop.orders USING btree (n)',
  tableSizeBytes: 8192,
  duplicatesSql: null,
  duplicatesCountable: false,
  workingCopyOf: { name: 'orders_n', usable: true },
  twin: 'orders_n',
};
const sighting = {
  oid: 2,
  schema: 'shop',
  name: 'orders_n_ccnew',
  table: 'orders',
  work: 'none' as const,
  locked: false,
};
const sighted = { inRecovery: false, database: 'shop', indexes: 5, sightings: [], readStatsGrant: 'GRANT x TO y' };

function judge(facts: Partial<OrphanedIndexFacts>) {
  return judgeOrphanedIndexes({
    sighted,
    invalid: [],
    temporary: { dead: [], count: 0 },
    detached: { found: [], unjudged: [] },
    ...facts,
  });
}

describe('orphaned_index', () => {
  it('names the index to drop and the one that stays', () => {
    const [finding] = judge({ invalid: [leftover] }).findings;
    expect(finding?.summary).toMatch(
      /drop shop\.orders_n_ccnew, which every write still maintains, orders_n does the same and stays/,
    );
    expect(finding?.action).toMatchObject({ sql: [leftover.dropSql], rollbackSql: [] });
  });

  it('drops a leftover whose original became invalid since, too: no query could ever use it', () => {
    const [finding] = judge({
      invalid: [{ ...leftover, workingCopyOf: { name: 'orders_n', usable: false } }],
    }).findings;
    expect(finding).toMatchObject({ evidence: { original_is_usable: false }, action: { sql: [leftover.dropSql] } });
  });

  it('leaves to invalid_index what REINDEX did not leave', () => {
    expect(judge({ invalid: [{ ...leftover, workingCopyOf: null }] }).findings).toEqual([]);
  });

  it.each([
    [{ ...sighting, work: 'running' as const }, 'skipped', 'in_progress'],
    [{ ...sighting, work: 'hidden' as const }, 'unknown', expect.stringMatching(/cannot see/)],
    [{ ...sighting, locked: true }, 'unknown', 'locked'],
  ])('does not judge %o: %s', (seen, where, reason) => {
    const report = judge({ sighted: { ...sighted, sightings: [seen, { ...seen, name: 'orders_n' }] } });
    expect(report).toMatchObject({ checked: 4, findings: [], [where]: [{ object: 'shop.orders_n_ccnew', reason }] });
  });

  it('knows nothing on a standby', () => {
    expect(judge({ sighted: { ...sighted, inRecovery: true } })).toMatchObject({
      checked: 0,
      unjudged: 'all',
      unknown: [{ object: 'shop' }],
    });
  });

  it('says which indexes of detached partitions were too many to look into', () => {
    expect(judge({ detached: { found: [], unjudged: ['shop.x'] } })).toMatchObject({ unjudged: ['shop.x'] });
  });
});
