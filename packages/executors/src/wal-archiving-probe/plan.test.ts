import { expect, it } from 'vitest';
import { planProbe } from './plan.ts';

const facts = { archiveMode: 'on', permitted: true, grant: 'GRANT EXECUTE ON FUNCTION pg_switch_wal() TO r' };

it('finishes a segment by two statements, where there is an archive and the role may', () => {
  expect(planProbe(facts)).toMatchObject({
    steps: [
      {
        statements: [
          expect.stringContaining('pg_logical_emit_message(false'),
          expect.stringContaining('pg_switch_wal()'),
        ],
      },
    ],
  });
  expect(planProbe({ ...facts, archiveMode: 'off' })).toMatchObject({
    steps: [],
    skipped: [{ reason: 'archive_mode_off' }],
  });
  expect(planProbe({ ...facts, permitted: false })).toMatchObject({ steps: [], unknown: [{ grant: facts.grant }] });
});
