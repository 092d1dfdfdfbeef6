import { careSettings, decideCareFollowUps } from '@slacktide/domain';
import { expect, it } from 'vitest';
import { taskTypes } from '../schemas.ts';

it('asks for nothing that its task type would refuse', () => {
  const on = { auto_cleanup: true };
  const decisions = decideCareFollowUps({
    settings: careSettings.parse({
      operational: {},
      features: {
        orphaned_index_cleanup: on,
        invalid_index_cleanup: on,
        advisory_lock_cleanup: on,
        index_cleanup: on,
        index_health: { auto_reindex: true },
      },
    }),
    found: {
      orphanedIndexes: 1,
      invalidIndexes: 1,
      staleAdvisoryLocks: 1,
      unusedIndexes: 1,
      bloatedIndexes: 1,
      staleTables: 1,
    },
    earlier: [],
    now: new Date('2026-11-30T10:00:00Z'),
    force: false,
  });
  const asked = Object.values(decisions).flatMap((decision) =>
    decision.kind === 'set_off' ? [decision.followUp] : [],
  );
  expect(asked.map(({ type }) => type).sort()).toEqual(Object.keys(decisions).sort());
  for (const { type, config } of asked) {
    const taskType = taskTypes.find((each) => each.type === type);
    expect(taskType?.config.safeParse(config).error, type).toBeUndefined();
    expect(taskType?.config.parse(config), type).toMatchObject(config);
  }
});
