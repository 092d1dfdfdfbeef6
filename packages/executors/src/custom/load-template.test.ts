import type { CustomTemplate, JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { parameter, registered, withTemplates } from '../../test/custom-templates.ts';
import { loadTemplate } from './load-template.ts';
import { taskType } from './schema.ts';

const purge = registered({
  statements: ['DELETE FROM {{t}} WHERE placed_at < $2'],
  parameters: [parameter('t', 'relation'), parameter('before', 'timestamptz')],
  lockMode: 'ROW EXCLUSIVE',
});
const fitting = { t: 'orders', before: '2026-01-01T00:00:00Z' };

const load = (config: JsonObject, ...templates: readonly CustomTemplate[]) =>
  loadTemplate(taskType.config.parse(config), withTemplates(...templates));

describe('loadTemplate', () => {
  it('reads the version that is named, with its values in the text form of the server', async () => {
    const config = { template: 'tidy', version: 1, parameters: fitting };
    expect(await load(config, purge)).toMatchObject({
      kind: 'sound',
      value: { template: purge, statements: [{ kind: 'DELETE' }] },
    });
  });

  it('refuses everything while the worker is not told to run templates', async () => {
    const context = { ...withTemplates(purge), customTasks: false };
    const config = taskType.config.parse({ template: 'tidy', version: 1, parameters: fitting });
    expect(await loadTemplate(config, context)).toMatchObject({
      kind: 'refused',
      problems: [{ code: 'custom_tasks_off' }],
    });
  });

  it.each<[what: string, config: JsonObject, template: ReturnType<typeof registered>, pointer: string, code: string]>([
    ['no name', { template: '' }, purge, '/template', 'required'],
    ['no version', { version: 0 }, purge, '/version', 'required'],
    ['a version that is not there', { version: 2 }, purge, '/version', 'unknown_template'],
    [
      'a name that is none',
      { template: "tidy'; DROP TABLE custom_templates; --" },
      purge,
      '/version',
      'unknown_template',
    ],
    [
      'a retired version',
      {},
      { ...purge, retiredAt: new Date(0), retiredBy: 'api_key:1' },
      '/version',
      'template_retired',
    ],
    [
      'other statements',
      {},
      { ...purge, statements: ['DELETE FROM {{t}} WHERE placed_at > $2'] },
      '/version',
      'template_changed',
    ],
    [
      'other parameters',
      {},
      { ...purge, parameters: [...purge.parameters, parameter('x', 'int8')] },
      '/version',
      'template_changed',
    ],
    ['other access', {}, { ...purge, access: 'observe' }, '/version', 'template_changed'],
    ['another class', {}, { ...purge, class: 'idempotent' }, '/version', 'template_changed'],
    ['the hash of another version', {}, { ...purge, hash: 'f'.repeat(64) }, '/version', 'template_changed'],
    // Whoever can write the ledger can make a hash fit: what may not be registered is not run all the same.
    [
      'a program',
      {},
      registered({ statements: ["COPY public.orders TO PROGRAM 'sh'"] }),
      '/version',
      'template_not_allowed',
    ],
    [
      'two statements',
      {},
      registered({ statements: ['SELECT 1; DROP TABLE public.orders'] }),
      '/version',
      'template_not_allowed',
    ],
    ['a file', {}, registered({ statements: ["SELECT pg_read_file('x')"] }), '/version', 'template_not_allowed'],
    ['another lock', {}, registered({ statements: ['SELECT 1'], lockMode: null }), '/version', 'template_not_allowed'],
    ['a value too few', { parameters: { t: 'orders' } }, purge, '/parameters/before', 'required'],
    ['a value that is null', { parameters: { ...fitting, before: null } }, purge, '/parameters/before', 'required'],
    ['a value too many', { parameters: { ...fitting, other: 1 } }, purge, '/parameters/other', 'unknown_parameter'],
    [
      'a key of every object',
      { parameters: { ...fitting, constructor: 1 } },
      purge,
      '/parameters/constructor',
      'unknown_parameter',
    ],
    [
      'a word for a time',
      { parameters: { ...fitting, before: 'yesterday' } },
      purge,
      '/parameters/before',
      'invalid_value',
    ],
    [
      'a day that is none',
      { parameters: { ...fitting, before: '2026-02-30T00:00:00Z' } },
      purge,
      '/parameters/before',
      'invalid_value',
    ],
    [
      'a time without offset',
      { parameters: { ...fitting, before: '2026-01-01T00:00:00' } },
      purge,
      '/parameters/before',
      'invalid_value',
    ],
    [
      'SQL for a time',
      { parameters: { ...fitting, before: "2026-01-01T00:00:00Z'; --" } },
      purge,
      '/parameters/before',
      'invalid_value',
    ],
    ['NUL in a name', { parameters: { ...fitting, t: 'or\0ders' } }, purge, '/parameters/t', 'invalid_value'],
    ['a number for a name', { parameters: { ...fitting, t: 7 } }, purge, '/parameters/t', 'invalid_value'],
    ['a list for a name', { parameters: { ...fitting, t: ['orders'] } }, purge, '/parameters/t', 'invalid_value'],
  ])('refuses %s', async (_, config, template, pointer, code) => {
    const given = { template: 'tidy', version: 1, parameters: template === purge ? fitting : {}, ...config };
    expect(await load(given, template)).toMatchObject({ kind: 'refused', problems: [{ pointer, code }] });
  });

  it('tells no value that does not fit: it may be secret', async () => {
    const config = { template: 'tidy', version: 1, parameters: { ...fitting, before: 'hunter2' } };
    expect(JSON.stringify(await load(config, purge))).not.toContain('hunter2');
  });
});
