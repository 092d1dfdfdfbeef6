import type { CareOrigin } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { executionsSetup } from '../../../../test/support/executions.ts';
import { sampleContext } from '../../../../test/support/ledger-data.ts';

async function setup() {
  const base = await executionsSetup();
  const audit = [{ action: 'care.change', entity: 'care_settings', entityId: 'fleet' }] as const;
  /** Says something about care as a use case does: on top of what was said before. */
  const say = (origin: CareOrigin, targetId: string | null, settings: Record<string, string>) =>
    base.ledger.transaction(sampleContext(), async (tx) => {
      const before = await tx.care.getForUpdate(origin, targetId);
      await tx.care.put({
        origin,
        targetId,
        settings: { ...before.settings, ...settings },
        version: before.version + 1,
      });
      return { result: before.version, audit };
    });
  return { ...base, say };
}

describe('care settings', () => {
  it('are of version 0 and empty before anybody says something', async () => {
    const { ledger } = await setup();
    for (const [origin, targetId] of [
      ['file', null],
      ['fleet', null],
      ['target', 'shop'],
    ] as const) {
      expect(await ledger.care.get(origin, targetId)).toEqual({
        origin,
        targetId,
        settings: {},
        version: 0,
        updatedAt: null,
      });
    }
    expect(await ledger.care.layers('shop')).toEqual([]);
  });

  it('come back as they were said', async () => {
    const { ledger, say } = await setup();
    await say('target', 'shop', { a: '1' });
    await say('target', 'shop', { b: '2' });
    expect(await ledger.care.get('target', 'shop')).toEqual({
      origin: 'target',
      targetId: 'shop',
      settings: { a: '1', b: '2' },
      version: 2,
      updatedAt: expect.any(Date),
    });
    expect(await ledger.care.get('target', 'stock')).toMatchObject({ version: 0 });
    expect(await ledger.care.get('fleet', null)).toMatchObject({ version: 0 });
  });

  it('are layers, the file first and the target last, of those that were said', async () => {
    const { ledger, say, connection } = await setup();
    await say('target', 'shop', { layer: 'target' });
    await say('target', 'stock', { layer: 'another target' });
    await say('fleet', null, { layer: 'fleet' });
    const target = { origin: 'target', settings: { layer: 'target' } };
    const fleet = { origin: 'fleet', settings: { layer: 'fleet' } };
    expect(await ledger.care.layers('shop')).toEqual([fleet, target]);
    await say('file', null, { layer: 'file' });
    const file = { origin: 'file', settings: { layer: 'file' } };
    expect(await ledger.care.layers('shop')).toEqual([file, fleet, target]);
    expect(await ledger.care.layers(null)).toEqual([file, fleet]);
    expect(await ledger.care.layers('new')).toEqual([file, fleet]);
    expect(await connection.observations.memoryOf('shop').careLayers()).toEqual([file, fleet, target]);
  });

  it('of a target that is not there are refused', async () => {
    const { ledger, say } = await setup();
    await expect(say('target', 'nobody', {})).rejects.toMatchObject({
      code: 'conflict',
      message: 'there is no target nobody',
    });
    expect(await ledger.care.get('target', 'nobody')).toMatchObject({ version: 0 });
  });

  it('said at the same time, the first ones too, come one after the other', async () => {
    const { ledger, say } = await setup();
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => say('fleet', null, { [key]: key })));
    expect(await ledger.care.get('fleet', null)).toMatchObject({
      version: 4,
      settings: { a: 'a', b: 'b', c: 'c', d: 'd' },
    });
  });
});
