import { checkNames } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { taskType } from './schema.ts';

const issuesOf = (config: object) =>
  taskType.config.safeParse(config).error?.issues.map(({ path, code }) => ({ path: path.join('/'), code }));

describe('the configuration of DATABASE_CHECK', () => {
  it('is everything by default', () => {
    expect(taskType.config.parse({})).toEqual({ checks: [], config: {}, sampling: true });
    expect(taskType.config.parse({ checks: checkNames }).checks).toEqual(checkNames);
  });

  it('keeps thresholds as they were given', () => {
    const config = { index_bloat: { bloat_threshold: 50 }, unused_index: {}, wraparound: {} };
    expect(taskType.config.parse({ config }).config).toEqual(config);
  });

  it.each([
    [{ checks: ['no_such_check'] }, 'checks/0', 'invalid_value'],
    [{ config: { no_such_check: {} } }, 'config/no_such_check', 'custom'],
    [{ config: { index_bloat: { bloat_threshold: 101 } } }, 'config/index_bloat/bloat_threshold', 'too_big'],
    [{ config: { index_bloat: { bloat_threshold: '20' } } }, 'config/index_bloat/bloat_threshold', 'invalid_type'],
    [{ config: { index_bloat: { bloat: 20 } } }, 'config/index_bloat', 'unrecognized_keys'],
    [{ config: { index_bloat: 20 } }, 'config/index_bloat', 'invalid_type'],
    [
      { config: { stale_advisory_lock: { ignore_keys: ['1', 2] } } },
      'config/stale_advisory_lock/ignore_keys/1',
      'invalid_type',
    ],
  ])('refuses %j at %s', (config, path, code) => expect(issuesOf(config)).toEqual([{ path, code }]));
});
