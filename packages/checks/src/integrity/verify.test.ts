import { TargetError, type TargetErrorCode, type TargetReader } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import type { RelationRow } from './relations.ts';
import { checkType } from './schema.ts';
import { verifyHeap, verifyIndex } from './verify.ts';

const config = checkType.config.parse({});
const relation = { oid: 16_400, kind: 'index', quoted: 'public.orders_x' } as RelationRow;
const verifier = { kind: 'usable', schema: 'tools', name: 'bt_index_check', parameters: 2 } as const;
const verify = (query: () => Promise<unknown[]>) =>
  verifyIndex({ query } as unknown as TargetReader, relation, verifier, { config, conflicts: [] });
const failing = (code: TargetErrorCode, sqlState: string) => async () => {
  throw new TargetError(code, 'refused', { sqlState });
};

describe('the verdict on a relation', () => {
  it.each([
    ['XX001', 'corrupt'],
    ['XX002', 'corrupt'],
    ['XX000', 'unverified'],
    ['42883', 'unverified'],
    ['55000', 'unverified'],
    ['58030', 'unverified'],
  ])('goes by the SQLSTATE: %s is %s', async (sqlState, kind) => {
    expect(await verify(failing('statement_failed', sqlState))).toMatchObject({ kind });
  });

  it.each([
    ['lock_timeout', '55P03', 'locked'],
    ['statement_timeout', '57014', 'statement_timeout'],
    ['insufficient_privilege', '42501', 'insufficient_privilege'],
  ] as const)('is open after %s', async (code, sqlState, reason) => {
    expect(await verify(failing(code, sqlState))).toEqual({ kind: 'unverified', reason });
  });

  it('is open when the relation was locked or dropped meanwhile', async () => {
    expect(await verify(async () => [])).toEqual({ kind: 'unverified', reason: 'locked' });
    const reader = { query: async () => [{ free: false, problems: 0, first: [] }] } as unknown as TargetReader;
    expect(await verifyHeap(reader, relation, verifier, [])).toEqual({ kind: 'unverified', reason: 'locked' });
  });

  it.each(['session_lost', 'cancelled'] as const)('is none when the work is over: %s', async (code) => {
    await expect(verify(failing(code, '57P01'))).rejects.toMatchObject({ code });
  });
});
