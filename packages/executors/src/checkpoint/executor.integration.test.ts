import { TargetError } from '@slacktide/application/ports';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { checkpoint } from './index.ts';

/** Of this file alone: roles belong to the server, which all files share. */
const role = `checkpoint "role"`;
const roleQuoted = `"checkpoint ""role"""`;

describe.each(majors)('CHECKPOINT on PostgreSQL %i', (major) => {
  const setup = (): Promise<TargetRig> => prepare(major);

  it('writes a checkpoint, proves it by the control file, and then leaves the server in peace', async () => {
    await using rig = await setup();
    const { plan, steps } = await rig.run(checkpoint, { force: true });
    expect(plan).toMatchObject({ checked: 1, skipped: [], unknown: [] });
    expect(plan?.steps).toMatchObject([{ statements: ['CHECKPOINT'], object: { kind: 'cluster' }, lockMode: null }]);
    const [{ outcome }] = steps as [(typeof steps)[number]];
    if (outcome.kind !== 'done') throw new Error(`expected it done, got ${JSON.stringify(outcome)}`);
    expect(outcome.result['lsn_after']).not.toBe(outcome.result['lsn_before']);

    const again = await rig.run(checkpoint, {});
    expect(again.steps).toEqual([]);
    expect(again.plan?.skipped).toMatchObject([
      { object: 'server', reason: expect.stringMatching(/^too_recent: .* 300$/) },
    ]);
    expect((await rig.plan(checkpoint, { min_interval_seconds: 0 })).plan?.steps).toHaveLength(1);
  });

  it('knows how much there is to write where pg_buffercache may be asked', async () => {
    await using rig = await setup();
    expect((await rig.plan(checkpoint, { force: true })).plan?.steps).toMatchObject([{ sizeBytes: null }]);
    await rig.sql('CREATE SCHEMA "odd schema"');
    await rig.sql('CREATE EXTENSION pg_buffercache SCHEMA "odd schema"');
    await rig.sql('CREATE TABLE written AS SELECT g FROM generate_series(1, 50000) g');
    // Others on the server may checkpoint at any moment, too.
    const dirtied = async (): Promise<number | null | undefined> => {
      await rig.sql('UPDATE written SET g = g');
      return (await rig.plan(checkpoint, { force: true })).plan?.steps[0]?.sizeBytes;
    };
    await expect.poll(dirtied, { timeout: 10_000 }).toBeGreaterThan(1024 * 1024);
  });

  it('does not call it success when the role may not, and names the GRANT that cures it', async () => {
    await using rig = await setup();
    await rig.sql(`CREATE ROLE ${roleQuoted} LOGIN PASSWORD 'postgres'`);
    try {
      const { plan, steps } = await rig.run(checkpoint, {}, { as: role });
      const grant = major >= 15 ? `GRANT pg_checkpoint TO ${roleQuoted}` : `ALTER ROLE ${roleQuoted} SUPERUSER`;
      expect(plan?.unknown).toEqual([{ object: 'server', reason: 'insufficient_privilege', grant }]);
      expect(steps).toMatchObject([
        { outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant } } } },
      ]);
      await rig.sql(grant);
      expect((await rig.run(checkpoint, { force: true }, { as: role })).steps).toMatchObject([
        { outcome: { kind: 'done' } },
      ]);
    } finally {
      await rig.sql(`DROP ROLE ${roleQuoted}`);
    }
  });
});

describe('CHECKPOINT', () => {
  it('does not begin when it was told to stop', async () => {
    await using rig = await prepare(18);
    const cancel = new AbortController();
    const error = await rig
      .run(checkpoint, { force: true }, { signal: cancel.signal, beforeSteps: async () => cancel.abort() })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TargetError);
    expect(error).toMatchObject({ code: 'cancelled' });
  });

  it('leaves out a checkpoint that somebody else made after the plan', async () => {
    await using rig = await prepare(18);
    const planned: typeof checkpoint = {
      ...checkpoint,
      plan: (facts, config) => checkpoint.plan({ ...facts, secondsSinceCheckpoint: 1000 }, config),
    };
    const { steps } = await rig.run(planned, {}, { beforeSteps: async () => void (await rig.sql('CHECKPOINT')) });
    expect(steps).toMatchObject([{ outcome: { kind: 'skipped', reason: expect.stringMatching(/^too_recent/) } }]);
  });
});

async function prepare(major: PostgresMajor): Promise<TargetRig> {
  return openRig(await createDatabase(inject('targetUrls')[major]));
}
