import { describe, expect, it } from 'vitest';
import { fieldProblems } from './field-problems.ts';
import { JobQuery } from './job.ts';
import { ScheduleInput, ScheduleQuery } from './schedule.ts';
import { TargetQuery } from './target.ts';

const minimal = { name: 'Nightly', cron_expression: '0 2 * * *', target_ids: ['shop'], tasks: ['INDEX_REBUILD'] };
const pointersOf = (value: unknown) => {
  const parsed = ScheduleInput.safeParse(value);
  return parsed.success ? [] : fieldProblems(parsed.error).map(({ pointer, code }) => `${pointer} ${code}`);
};

describe('ScheduleInput', () => {
  it('fills in the defaults', () => {
    expect(ScheduleInput.parse(minimal)).toEqual({
      ...minimal,
      description: null,
      timezone: 'UTC',
      window_start_hour: null,
      window_end_hour: null,
      target_labels: null,
      halt_on_task_failure: true,
      enabled: true,
      misfire_policy: 'run_once',
      misfire_max: 10,
      catch_up_seconds: 86_400,
      overlap_policy: 'skip',
    });
  });

  it.each([
    [{ ...minimal, target_labels: { env: 'x' } }, ['/target_ids exactly_one']],
    [{ ...minimal, target_ids: null }, ['/target_ids exactly_one']],
    [{ ...minimal, target_ids: null, target_labels: {} }, ['/target_labels too_small']],
    [{ ...minimal, window_start_hour: 3 }, ['/window_end_hour both_or_none']],
    [{ ...minimal, window_end_hour: 3 }, ['/window_start_hour both_or_none']],
    [
      { ...minimal, window_start_hour: 24, window_end_hour: -1 },
      ['/window_start_hour too_big', '/window_end_hour too_small'],
    ],
    [{ ...minimal, window_start_hour: 1.5, window_end_hour: 2 }, ['/window_start_hour wrong_type']],
    [{ ...minimal, tasks: [] }, ['/tasks too_small']],
    [{ ...minimal, cron: '* * * * *' }, ['/cron unknown_field']],
    [{ ...minimal, description: 'a\0b' }, ['/description unstorable_text']],
    [{ ...minimal, name: 'two\nlines' }, ['/name control_character']],
    [{ ...minimal, tasks: [{ type: 'SWEEP', config: { deep: ['\ud800'] } }] }, ['/tasks/0/config unstorable_text']],
    [{ ...minimal, target_ids: ['shop', 'shop'] }, ['/target_ids duplicate']],
    [
      { ...minimal, target_ids: null, target_labels: { 'a/b': 'x'.repeat(256) } },
      ['/target_labels/a~1b invalid_value'],
    ],
    [{ ...minimal, id: 'Not A Slug' }, ['/id invalid_format']],
    [{ ...minimal, misfire_policy: 'run_twice' }, ['/misfire_policy not_allowed']],
    [{ ...minimal, misfire_max: 0 }, ['/misfire_max too_small']],
    [{ ...minimal, misfire_max: 101 }, ['/misfire_max too_big']],
    [{ ...minimal, catch_up_seconds: -1 }, ['/catch_up_seconds too_small']],
    [{ ...minimal, catch_up_seconds: 31 * 86_400 + 1 }, ['/catch_up_seconds too_big']],
    [{ ...minimal, overlap_policy: 'wait' }, ['/overlap_policy not_allowed']],
    [{ ...minimal, tasks: [{ type: 'SWEEP', time_limit_seconds: 0 }] }, ['/tasks/0/time_limit_seconds too_small']],
    [{ ...minimal, tasks: [{ type: 'SWEEP', time_limit_seconds: 604_801 }] }, ['/tasks/0/time_limit_seconds too_big']],
  ])('refuses %j', (value, expected) => expect(pointersOf(value)).toEqual(expected));
});

describe('queries', () => {
  it('limits a page to 200, 50 by default', () => {
    expect(JobQuery.parse({}).limit).toBe(50);
    expect(JobQuery.parse({ limit: '200' }).limit).toBe(200);
    for (const limit of ['0', '201', 'many', '1.5', '']) expect(JobQuery.safeParse({ limit }).success).toBe(false);
  });

  it('refuses an unknown parameter', () => expect(JobQuery.safeParse({ status: 'FAILED' }).success).toBe(false));

  it('reads booleans and labels', () => {
    expect(ScheduleQuery.parse({ enabled: 'false' }).enabled).toBe(false);
    expect(TargetQuery.parse({ label: ['env:prod', 'url:http://x'] }).label).toEqual({ env: 'prod', url: 'http://x' });
    expect(TargetQuery.parse({ label: 'env:' }).label).toEqual({ env: '' });
    expect(TargetQuery.safeParse({ label: 'env' }).success).toBe(false);
  });
});
