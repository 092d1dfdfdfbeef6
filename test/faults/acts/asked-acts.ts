import assert from 'node:assert/strict';
import type { Finding, FindingPlan, Job } from '@slacktide/contract';
import { type ActFixture, type ActSite, asOwner, indexesOf, namesAmiss } from './act-fixture.ts';

const twins: readonly string[] = [
  'DROP TABLE IF EXISTS pair',
  'CREATE TABLE pair (id int PRIMARY KEY, b int) WITH (autovacuum_enabled = off)',
  'INSERT INTO pair SELECT n, n FROM generate_series(1, 5000) n',
  'CREATE INDEX pair_1 ON pair (b)',
  'CREATE INDEX pair_2 ON pair (b)',
];

/** Runs a job of one task to its end, as part of a preparation. */
async function runFirst({ rig, target }: ActSite, type: string, config: Readonly<Record<string, unknown>>) {
  const id = await rig.submit({ target: target.id, tasks: [{ type, config }] });
  const [end] = await rig.settled([id]);
  assert.equal(end?.state, 'SUCCEEDED', JSON.stringify(end));
  return id;
}

/** The job to take back, by target. */
const dropped = new Map<string, string>();
const rollback: ActFixture = {
  name: 'ROLLBACK',
  type: 'ROLLBACK',
  points: ['remnant.recorded'],
  async prepare(site) {
    await asOwner(site, ...twins);
    const config = { rebuild: false, drop_duplicate: true, require_rehearsal: false, watch_hours: 0 };
    dropped.set(site.target.id, await runFirst(site, 'INDEX_OPTIMIZE', config));
    return {};
  },
  async submit({ rig, target }) {
    const { id } = await rig.client.accept<Job>('POST', `/jobs/${dropped.get(target.id)}/rollback`);
    return id;
  },
  amiss: (site) => namesAmiss(site, 'indexes', indexesOf('pair'), ['pair_pkey', 'pair_1', 'pair_2']),
};

const findingAction: ActFixture = {
  name: 'FINDING_ACTION',
  type: 'FINDING_ACTION',
  points: ['remnant.recorded'],
  async prepare(site) {
    await asOwner(site, ...twins);
    await runFirst(site, 'DATABASE_CHECK', { checks: ['duplicate_index'] });
    return {};
  },
  async submit({ rig, target }) {
    const query = `target_id=${target.id}&check=duplicate_index&state=open`;
    const { items } = await rig.client.get<{ items: Finding[] }>(`/findings?${query}`);
    const [finding] = items;
    assert.ok(finding !== undefined, 'expected a finding to act on');
    const path = `/findings/${finding.id}/apply`;
    const { plan_id } = await rig.client.accept<FindingPlan>('POST', path, { body: {} });
    const { id } = await rig.client.accept<Job>('POST', path, { body: { plan_id } });
    return id;
  },
  amiss: (site) => namesAmiss(site, 'indexes', indexesOf('pair'), ['pair_pkey', 'pair_1']),
};

export const askedActs: readonly ActFixture[] = [rollback, findingAction];
