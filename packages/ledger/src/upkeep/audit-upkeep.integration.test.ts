import { sealAudit } from '@slacktide/application';
import type { AuditStretch, ChainPart } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';
import { tamper } from '../../../../test/support/tamper.ts';

const never = new AbortController().signal;
const zeros = '0'.repeat(64);

async function setup() {
  const base = await executionsSetup();
  const { addJob, claim, connection, ledger } = base;
  const claimed = claimedBy(await claim(await addJob(), 'rebuild', { access: 'observe' }));
  const { auditChain, upkeep } = connection;
  const seal = async () => {
    while ((await sealAudit({ auditChain }, 1_000)) !== 0);
  };
  await seal();
  const head = async () => {
    const work = (await upkeep.auditHeads()).find(({ stream }) => stream === 'work');
    if (work === undefined) throw new Error('expected a head');
    return work;
  };
  const stretch = async (afterSeq = 0): Promise<AuditStretch> => ({
    stream: 'work',
    afterSeq,
    previousHash: afterSeq === 0 ? zeros : ((await upkeep.auditHash('work', afterSeq)) ?? ''),
    head: await head(),
  });
  const read = async (wanted: AuditStretch) => {
    const parts: ChainPart[] = [];
    for await (const part of upkeep.readChain(wanted)) parts.push(part);
    return parts;
  };
  const signal = async () => (await connection.health.listSignals()).find(({ module }) => module === 'audit_chain');
  const changes = async () => (await ledger.audit.list({ limit: 10 }, { action: 'signal.change' })).items;
  return { ...base, claimed, upkeep, seal, head, stretch, read, signal, changes };
}

describe('readChain', () => {
  it('gives the links of a stretch as they are exported, and its hashes', async () => {
    const { read, stretch, upkeep } = await setup();
    const whole = await stretch();
    const [part, ...others] = await read(whole);
    expect(others).toEqual([]);
    if (part?.kind !== 'links') throw new Error(`expected links, got: ${JSON.stringify(part)}`);
    const lines = part.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: whole.head.seq }, (_, n) => n + 1));
    expect(lines.at(-1)).toMatchObject({ stream: 'work', hash: whole.head.hash, event: { action: 'job.start' } });
    expect(await upkeep.auditHash('work', 1)).toBe(lines[0].hash);
    expect(await upkeep.auditHash('work', 1_000)).toBeUndefined();
    expect(await read(await stretch(1))).toMatchObject([{ kind: 'links', count: whole.head.seq - 1 }]);
  });

  it('stops at the first link that does not follow', async () => {
    const { read, stretch, sql } = await setup();
    const whole = await stretch();
    const broken = (kind: string, seq: number) => [{ kind: 'broken', firstBad: { kind, seq } }];
    expect(await read({ ...whole, previousHash: '1'.repeat(64) })).toMatchObject(broken('edited', 1));
    expect(await read({ ...whole, head: { ...whole.head, hash: zeros } })).toMatchObject(
      broken('forged', whole.head.seq),
    );
    expect((await read({ ...whole, head: { seq: 99, hash: zeros } })).at(-1)).toMatchObject(
      broken('cut', whole.head.seq + 1)[0] ?? {},
    );
    await tamper(
      sql,
      (tx) =>
        tx`UPDATE audit_events SET actor = 'nobody' WHERE id = (SELECT event_id FROM audit_seals WHERE stream = 'work' AND seq = 2)`,
    );
    expect(await read(whole)).toMatchObject(broken('edited', 2));
    await tamper(sql, (tx) => tx`DELETE FROM audit_seals WHERE stream = 'work' AND seq = 1`);
    expect(await read(whole)).toMatchObject(broken('deleted', 1));
  });
});

describe('verifyAudit', () => {
  it('tells its signal, and of its change only', async () => {
    const { changes, claimed, seal, signal, sql, upkeep } = await setup();
    let links = 0;
    const look = () =>
      upkeep.verifyAudit(claimed, [], {
        signal: never,
        onLinks: (count) => {
          links += count;
        },
      });
    expect(await look()).toMatchObject({ intact: true, unsealed: 0 });
    expect(links).toBeGreaterThan(2);
    expect(await signal()).toMatchObject({ status: 'HEALTHY' });
    await look();
    expect(await changes()).toHaveLength(1);
    await seal();
    await tamper(
      sql,
      (tx) =>
        tx`UPDATE audit_events SET actor = 'nobody' WHERE id = (SELECT event_id FROM audit_seals WHERE stream = 'work' AND seq = 2)`,
    );
    const broken = await look();
    expect(broken?.intact).toBe(false);
    expect(broken?.streams.filter(({ firstBad }) => firstBad !== null)).toMatchObject([
      { stream: 'work', seq: 1, firstBad: { kind: 'edited', seq: 2 } },
    ]);
    expect(await signal()).toMatchObject({
      status: 'UNHEALTHY',
      message: 'the audit log is broken; work: edited at link 2',
    });
    expect(await changes()).toMatchObject([{ after: { status: 'UNHEALTHY' }, before: { status: 'HEALTHY' } }, {}]);
  });

  it('holds the chain against heads kept elsewhere', async () => {
    const { claimed, head, upkeep } = await setup();
    const kept = await head();
    const look = (heads: readonly (typeof kept)[]) => upkeep.verifyAudit(claimed, heads, { signal: never });
    expect(await look([kept])).toMatchObject({ intact: true });
    const later = await look([{ ...kept, seq: kept.seq + 5 }]);
    expect(later?.streams.find(({ stream }) => stream === 'work')?.firstBad).toMatchObject({ kind: 'cut' });
    const other = await look([{ ...kept, hash: '1'.repeat(64) }]);
    expect(other?.streams.find(({ stream }) => stream === 'work')?.firstBad).toMatchObject({ kind: 'forged' });
  });

  it('stops when told to, and tells nothing when the claim does not hold any more', async () => {
    const { claimed, executions, signal, upkeep } = await setup();
    const stop = new AbortController();
    stop.abort(new Error('told to stop'));
    await expect(upkeep.verifyAudit(claimed, [], { signal: stop.signal })).rejects.toThrow('told to stop');
    await executions.finish(claimed, { kind: 'succeeded', result: {} }, []);
    expect(await upkeep.verifyAudit(claimed, [], { signal: never })).toBeUndefined();
    expect(await signal()).toBeUndefined();
  });
});

describe('exports', () => {
  const to = { folder: '/srv/audit', file: 'a.jsonl.zst' };

  it('go on from where the last one ended, and are told of', async () => {
    const { claimed, ledger, seal, stretch, upkeep } = await setup();
    const first = await stretch();
    const begun = await upkeep.beginExport(claimed, first, to);
    if (begun?.kind !== 'begun') throw new Error(`expected it begun, got: ${begun?.kind}`);
    expect(await upkeep.latestExports(to.folder)).toEqual([
      { ...first, ...to, head: { seq: first.head.seq, hash: first.head.hash }, id: begun.id, isComplete: false },
    ]);
    expect(await upkeep.completeExport(claimed, begun.id, { bytes: 7, sha256: 'f' })).toBe(true);
    expect(await upkeep.completeExport(claimed, begun.id, { bytes: 7, sha256: 'f' })).toBe(false);
    expect(await upkeep.latestExports(to.folder)).toMatchObject([{ isComplete: true }]);
    expect(await upkeep.latestExports('/srv/other')).toEqual([]);
    expect((await ledger.audit.list({ limit: 1 }, { action: 'audit.export' })).items).toMatchObject([
      { entity: 'task', after: { stream: 'work', until_seq: first.head.seq, hash: first.head.hash, sha256: 'f' } },
    ]);
    expect(await upkeep.beginExport(claimed, first, to)).toEqual({ kind: 'overtaken' });
    await seal();
    expect(await upkeep.beginExport(claimed, await stretch(first.head.seq), { ...to, file: 'b' })).toMatchObject({
      kind: 'begun',
    });
  });

  it('that were cut short are begun again by who comes next, and by nobody while their task lives', async () => {
    const { addJob, claim, claimed, executions, stretch, upkeep } = await setup();
    const other = claimedBy(await claim(await addJob(), 'rebuild', { access: 'observe', workerId: 'w2' }));
    const wanted = await stretch();
    const begun = await upkeep.beginExport(claimed, wanted, to);
    expect(await upkeep.beginExport(other, wanted, to)).toEqual({ kind: 'elsewhere' });
    expect(await upkeep.beginExport(other, wanted, { ...to, file: 'b' })).toEqual({ kind: 'overtaken' });
    expect(await upkeep.beginExport(claimed, wanted, to)).toEqual(begun);
    await executions.release(claimed, 'draining');
    expect(await upkeep.beginExport(claimed, wanted, to)).toBeUndefined();
    expect(await upkeep.beginExport(other, wanted, to)).toEqual(begun);
  });
});
