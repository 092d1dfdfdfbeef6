import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { openCheckRig } from '../../test/check-rig.ts';
import { cacheHitRatio } from './index.ts';

describe.each(majors)('cache_hit_ratio on PostgreSQL %i', (major) => {
  it('knows nothing at the first look, and the ratio at the second', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    const first = await rig.run(cacheHitRatio);
    expect(first).toMatchObject({ checked: 0, unknown: [{ reason: 'no earlier look to compare with' }] });
    await rig.sql('CREATE TABLE t AS SELECT g FROM generate_series(1, 10000) g');
    await rig.sql('SELECT count(*) FROM t');
    await expect
      .poll(() => rig.run(cacheHitRatio, { min_blocks: 40, min_ratio: 0 }))
      .toMatchObject({ checked: 1, unknown: [], findings: [], figures: { ratio: expect.any(Number) } });
    const strict = await rig.run(cacheHitRatio, { min_blocks: 40, min_ratio: 1 });
    expect(strict.findings.every(({ severity }) => severity === 'warning')).toBe(true);
  });
});
