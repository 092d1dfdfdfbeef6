import { TargetError, type TargetReader } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { indexDefinition } from '../../test/index-definition.ts';
import { readIndexDefinitions } from './index-definitions.ts';

const answering = (...answers: (Error | object[])[]): TargetReader => ({
  serverVersion: 180_000,
  identity: { pid: 1, backendStart: '', applicationName: '' } as never,
  query: async () => {
    const answer = answers.shift() ?? [];
    if (answer instanceof Error) throw answer;
    return answer as never;
  },
});
const locked = new TargetError('lock_timeout', 'canceling statement due to lock timeout', { sqlState: '55P03' });
const gone = new TargetError('statement_failed', 'could not open relation', { sqlState: 'XX000' });

describe('reading the definitions of indexes', () => {
  it('looks again when a lock or a drop came in between', async () => {
    const row = indexDefinition({ name: 'a' });
    expect(await readIndexDefinitions(answering(locked, gone, [row]))).toEqual([row]);
    await expect(readIndexDefinitions(answering(locked, locked, locked))).rejects.toBe(locked);
  });

  it('leaves out what was dropped meanwhile, not what is locked', async () => {
    const rows = [
      { ...indexDefinition({ name: 'dropped' }), definition: null },
      { ...indexDefinition({ name: 'locked', locked: true }), definition: null },
    ];
    expect(await readIndexDefinitions(answering(rows))).toMatchObject([{ name: 'locked', definition: '' }]);
  });

  it('does not try again what was refused for good', async () => {
    const refused = new TargetError('insufficient_privilege', 'no', { sqlState: '42501' });
    await expect(readIndexDefinitions(answering(refused, []))).rejects.toBe(refused);
  });
});
