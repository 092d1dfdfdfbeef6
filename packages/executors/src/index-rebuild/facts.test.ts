import type { TargetReader } from '@slacktide/application/ports';
import { expect, it } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { readIndexRebuildFacts } from './facts.ts';
import { taskType } from './schema.ts';

it('refuses a standby before anything else is looked at', async () => {
  const asked: string[] = [];
  const standby = {
    serverVersion: 180_004,
    query: async (sql: string) => {
      asked.push(sql);
      return [{ recovering: true }];
    },
  } as unknown as TargetReader;
  expect(await readIndexRebuildFacts(standby, taskType.config.parse({}), noContext)).toMatchObject({
    kind: 'refused',
    problems: [{ pointer: '', code: 'in_recovery' }],
  });
  expect(asked).toHaveLength(1);
});
