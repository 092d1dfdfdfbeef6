import { expect, it } from 'vitest';
import { ledgerContents } from './support/ledger-contents.ts';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

/** What is changed in a good body, and the pointer and code of every problem that is to be found. */
type Wrong = readonly [changes: object, ...problems: (readonly [pointer: string, code: string])[]];

const task = (changes: object) => ({ tasks: [{ type: 'CHECKPOINT', ...changes }] });
const long = 'x'.repeat(60_000);

const wrongSchedules: readonly Wrong[] = [
  [{ no_such: 1 }, ['/no_such', 'unknown_field']],
  [{ 'a/b~c': 1 }, ['/a~1b~0c', 'unknown_field']],
  [{ version: 7 }, ['/version', 'unknown_field']],
  // cron and zone
  [{ cron_expression: 'H 2 * * *' }, ['/cron_expression', 'invalid_cron_expression']],
  [{ cron_expression: '0 3 31 2 *' }, ['/cron_expression', 'invalid_cron_expression']],
  [{ cron_expression: '61 * * * *' }, ['/cron_expression', 'invalid_cron_expression']],
  [{ cron_expression: '* * *' }, ['/cron_expression', 'invalid_cron_expression']],
  [{ cron_expression: long }, ['/cron_expression', 'too_big']],
  [{ cron_expression: 5 }, ['/cron_expression', 'wrong_type']],
  [{ cron_expression: undefined }, ['/cron_expression', 'required']],
  [{ timezone: 'Europe/Atlantis' }, ['/timezone', 'invalid_timezone']],
  [{ timezone: '+01:00' }, ['/timezone', 'invalid_timezone']],
  [{ timezone: 'Europe/Berlin\0' }, ['/timezone', 'unstorable_text']],
  // window
  [{ window_start_hour: 24, window_end_hour: 2 }, ['/window_start_hour', 'too_big']],
  [{ window_start_hour: -1, window_end_hour: 2 }, ['/window_start_hour', 'too_small']],
  [{ window_start_hour: 1.5, window_end_hour: 2 }, ['/window_start_hour', 'wrong_type']],
  [{ window_start_hour: '1', window_end_hour: 2 }, ['/window_start_hour', 'wrong_type']],
  [{ window_start_hour: 1 }, ['/window_end_hour', 'both_or_none']],
  // names
  [{ id: 'Ünsafe' }, ['/id', 'invalid_format']],
  [{ id: '../etc' }, ['/id', 'invalid_format']],
  [{ id: `x${long}` }, ['/id', 'invalid_format']],
  [{ name: '' }, ['/name', 'too_small']],
  [{ name: long }, ['/name', 'too_big']],
  [{ name: 'line\nline' }, ['/name', 'control_character']],
  [{ name: 'nul\0' }, ['/name', 'control_character']],
  [{ name: 'half \ud800' }, ['/name', 'control_character']],
  [{ name: { $gt: '' } }, ['/name', 'wrong_type']],
  [{ description: 'nul \0' }, ['/description', 'unstorable_text']],
  [{ description: 'half \udfff' }, ['/description', 'unstorable_text']],
  [{ description: long }, ['/description', 'too_big']],
  // switches
  [{ enabled: 'true' }, ['/enabled', 'wrong_type']],
  [{ halt_on_task_failure: 1 }, ['/halt_on_task_failure', 'wrong_type']],
  [{ misfire_policy: 'sometimes' }, ['/misfire_policy', 'not_allowed']],
  [{ misfire_max: 0 }, ['/misfire_max', 'too_small']],
  [{ misfire_max: 101 }, ['/misfire_max', 'too_big']],
  [{ misfire_max: '5' }, ['/misfire_max', 'wrong_type']],
  [{ catch_up_seconds: -1 }, ['/catch_up_seconds', 'too_small']],
  [{ catch_up_seconds: 2_678_401 }, ['/catch_up_seconds', 'too_big']],
  [{ catch_up_seconds: 1.5 }, ['/catch_up_seconds', 'wrong_type']],
  [{ overlap_policy: 'wait' }, ['/overlap_policy', 'not_allowed']],
  [{ overlap_policy: ['skip'] }, ['/overlap_policy', 'not_allowed']],
  // targets
  [{ target_ids: ['shop', 'nowhere'] }, ['/target_ids/1', 'unknown_target']],
  [{ target_ids: ['shop', 'shop'] }, ['/target_ids', 'duplicate']],
  [{ target_ids: [] }, ['/target_ids', 'too_small']],
  [{ target_ids: undefined }, ['/target_ids', 'exactly_one']],
  [{ target_labels: { env: 'x' } }, ['/target_ids', 'exactly_one']],
  [{ target_ids: null, target_labels: {} }, ['/target_labels', 'too_small']],
  [{ target_ids: null, target_labels: { 'b a d': 'x' } }, ['/target_labels/b a d', 'invalid_key']],
  [{ target_ids: null, target_labels: { env: 'nul\0' } }, ['/target_labels/env', 'invalid_value']],
  // tasks
  [{ tasks: [] }, ['/tasks', 'too_small']],
  [{ tasks: Array.from({ length: 101 }, () => 'CHECKPOINT') }, ['/tasks', 'too_big']],
  [{ tasks: ['CHECKPOINT', 'NO_SUCH_TYPE'] }, ['/tasks/1', 'unknown_task_type']],
  [task({ type: 'NO_SUCH_TYPE' }), ['/tasks/0/type', 'unknown_task_type']],
  [task({ type: '__proto__' }), ['/tasks/0/type', 'invalid_format']],
  [task({ no_such: 1 }), ['/tasks/0/no_such', 'unknown_field']],
  [task({ needs: ['nobody'] }), ['/tasks/0/needs/0', 'unknown_need']],
  [task({ needs: ['checkpoint'] }), ['/tasks/0/needs/0', 'self_need']],
  [
    {
      tasks: [
        { type: 'CHECKPOINT', key: 'a', needs: ['c'] },
        { type: 'CHECKPOINT', key: 'b', needs: ['a'] },
        { type: 'CHECKPOINT', key: 'c', needs: ['b'] },
      ],
    },
    ['/tasks/0/needs/0', 'cycle'],
  ],
  [
    {
      tasks: [
        { type: 'CHECKPOINT', key: 'a' },
        { type: 'CHECKPOINT', key: 'a' },
      ],
    },
    ['/tasks/1/key', 'duplicate_key'],
  ],
  [task({ key: 'A b' }), ['/tasks/0/key', 'invalid_format']],
  [task({ time_limit_seconds: 0 }), ['/tasks/0/time_limit_seconds', 'too_small']],
  [task({ time_limit_seconds: 604_801 }), ['/tasks/0/time_limit_seconds', 'too_big']],
  [task({ time_limit_seconds: '1h' }), ['/tasks/0/time_limit_seconds', 'wrong_type']],
  [task({ timeLimitSeconds: 60 }), ['/tasks/0/timeLimitSeconds', 'unknown_field']],
  // configurations
  [task({ config: { no_such: 1 } }), ['/tasks/0/config/no_such', 'unknown_field']],
  [task({ config: { force: 'yes' } }), ['/tasks/0/config/force', 'wrong_type']],
  [task({ config: { min_interval_seconds: -1 } }), ['/tasks/0/config/min_interval_seconds', 'too_small']],
  [task({ config: { min_interval_seconds: '5' } }), ['/tasks/0/config/min_interval_seconds', 'wrong_type']],
  [task({ config: { nul: '\0' } }), ['/tasks/0/config', 'unstorable_text']],
  [task({ config: [] }), ['/tasks/0/config', 'wrong_type']],
  [
    { tasks: [{ type: 'STATISTICS_UPDATE', config: { tables: ['orders', 't"; drop table x; --'] } }] },
    ['/tasks/0/config/tables/1', 'invalid_name'],
  ],
  [
    { tasks: ['CHECKPOINT', { type: 'INDEX_REBUILD', config: { bloat_threshold: 101, max_indexes: 0 } }] },
    ['/tasks/1/config/bloat_threshold', 'too_big'],
    ['/tasks/1/config/max_indexes', 'too_small'],
  ],
  // everything that is wrong, at once
  [
    { cron_expression: 'H * * * *', target_ids: ['nowhere'], tasks: ['NO_SUCH_TYPE'] },
    ['/cron_expression', 'invalid_cron_expression'],
    ['/tasks/0', 'unknown_task_type'],
    ['/target_ids/0', 'unknown_target'],
  ],
];

const wrongTargets: readonly Wrong[] = [
  [{ no_such: 1 }, ['/no_such', 'unknown_field']],
  [{ name: undefined }, ['/name', 'required']],
  [{ kind: 'oracle' }, ['/kind', 'not_allowed']],
  [{ connection: undefined }, ['/connection', 'required']],
  [{ connection: 'postgresql://m:secret@h/d' }, ['/connection', 'password_in_connection']],
  [{ connection: 'postgresql://m@h/d?password=secret' }, ['/connection', 'password_in_connection']],
  [{ connection: 'mysql://m@h/d' }, ['/connection', 'unsupported_scheme']],
  [{ connection: 'postgresql://h/d' }, ['/connection', 'no_user']],
  [{ connection: 'postgresql://m@h' }, ['/connection', 'no_database']],
  [{ connection: 'postgresql://m@h/d?options=-c%20search_path' }, ['/connection', 'unsupported_parameter']],
  [{ connection: 'postgresql://m@h/d\0' }, ['/connection', 'invalid_connection']],
  [{ connection: `postgresql://m@h/${long}` }, ['/connection', 'too_big']],
  [{ connection: 5432 }, ['/connection', 'wrong_type']],
  [{ secret_ref: 'hunter2' }, ['/secret_ref', 'invalid_format']],
  [{ secret_ref: 'file:relative' }, ['/secret_ref', 'invalid_format']],
  [{ secret_ref: 'env:A B' }, ['/secret_ref', 'invalid_format']],
  [{ labels: { env: 1 } }, ['/labels/env', 'wrong_type']],
  [{ labels: [] }, ['/labels', 'wrong_type']],
];

it.each([
  ['schedules', wrongSchedules, scheduleBody()],
  ['targets?verify=false', wrongTargets, { name: 'Stock', connection: 'postgresql://m@127.0.0.1:1/d' }],
] as const)('POST /%s says all that is wrong, and where, and writes nothing', async (path, wrong, good) => {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  const before = await ledgerContents(api.sql);
  for (const [changes, ...problems] of wrong) {
    const answer = await api.call(`POST /${path}`, { json: { ...good, ...changes }, idempotencyKey: 'bad' });
    const about = JSON.stringify(changes).slice(0, 200);
    expect(answer, about).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    const found = answer.body.errors.map(({ code, pointer }: { code: string; pointer: string }) => [pointer, code]);
    expect(found, about).toEqual(problems);
    expect(answer.text.length, `${about}: an answer does not grow with the request`).toBeLessThan(4_000);
  }
  expect(await ledgerContents(api.sql)).toEqual(before);
  const accepted = await api.call(`POST /${path}`, { json: good, idempotencyKey: 'bad' });
  expect(accepted.status).toBe(201);
});

it('PUT and PATCH judge as POST does, and write nothing', async () => {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  await api.call('POST /schedules', { json: scheduleBody() });
  const before = await ledgerContents(api.sql);
  for (const [changes, ...problems] of wrongSchedules) {
    const about = JSON.stringify(changes).slice(0, 200);
    const put = await api.call('PUT /schedules/nightly', { json: { ...scheduleBody(), ...changes }, ifMatch: '"1"' });
    // A merge patch cannot leave out what is there; null does.
    const patch = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value ?? null]));
    const patched = await api.call('PATCH /schedules/nightly', { json: patch, ifMatch: '"1"' });
    for (const answer of [put, patched]) {
      expect(answer, about).toMatchObject({ status: 422 });
      const found = answer.body.errors.map(({ code, pointer }: { code: string; pointer: string }) => [pointer, code]);
      if (!('id' in changes)) expect(found, about).toEqual(problems);
    }
  }
  expect(await ledgerContents(api.sql)).toEqual(before);
});

it('POST /health/signals refuses what is none', async () => {
  const api = await startApi({ worker: null });
  const good = { module: 'backup', status: 'HEALTHY' };
  const before = await ledgerContents(api.sql);
  const wrong: readonly Wrong[] = [
    [{ status: 'FINE' }, ['/status', 'not_allowed']],
    [{ module: '' }, ['/module', 'invalid_format']],
    [{ module: 'a b' }, ['/module', 'invalid_format']],
    [{ message: 'nul\0' }, ['/message', 'unstorable_text']],
    [{ message: long }, ['/message', 'too_big']],
    [{ ttl_seconds: 0 }, ['/ttl_seconds', 'too_small']],
    [{ ttl_seconds: 1e9 }, ['/ttl_seconds', 'too_big']],
  ];
  for (const [changes, [pointer, code] = ['', '']] of wrong) {
    const answer = await api.call('POST /health/signals', { json: { ...good, ...changes } });
    expect(answer, JSON.stringify(changes)).toMatchObject({ status: 422, body: { errors: [{ pointer, code }] } });
  }
  expect(await ledgerContents(api.sql)).toEqual(before);
});
