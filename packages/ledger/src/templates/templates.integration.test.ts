import type { CustomTemplate } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { executionsSetup } from '../../../../test/support/executions.ts';
import { noon, sampleContext } from '../../../../test/support/ledger-data.ts';

const template: CustomTemplate = {
  name: 'purge',
  version: 1,
  description: 'Deletes old rows; "all" of them',
  statements: [`DELETE FROM {{t}} WHERE note <> 'a,"b"\\' AND at < $2`, 'VACUUM {{t}}'],
  parameters: [
    {
      name: 't',
      type: 'relation',
      required: true,
      default: null,
      secret: false,
      maxLength: null,
      min: null,
      max: null,
      allowed: null,
    },
    {
      name: 'at',
      type: 'timestamptz',
      required: false,
      default: '2026-01-01T00:00:00Z',
      secret: false,
      maxLength: null,
      min: null,
      max: '2026-12-31T00:00:00Z',
      allowed: ['2026-01-01T00:00:00Z'],
    },
  ],
  access: 'act',
  class: 'never_retry',
  lockMode: 'SHARE UPDATE EXCLUSIVE',
  hash: 'a'.repeat(64),
  createdAt: noon,
  createdBy: 'api_key:tester',
  retiredAt: null,
  retiredBy: null,
};
const audit = [{ action: 'custom_template.register', entity: 'custom_template', entityId: 'purge' }] as const;

async function setup() {
  const base = await executionsSetup();
  const register = (changes: Partial<CustomTemplate> = {}) =>
    base.ledger.transaction(sampleContext(), async (tx) => {
      const name = changes.name ?? template.name;
      const version = await tx.templates.nextVersion(name);
      await tx.templates.insert({ ...template, ...changes, version });
      return { result: version, audit };
    });
  const retire = (name: string, version: number) =>
    base.ledger.transaction(sampleContext(), async (tx) => {
      await tx.templates.retire(name, version, { at: noon, by: 'api_key:tester' });
      return { result: null, audit };
    });
  return { ...base, register, retire };
}

describe('templates', () => {
  it('come back as they were registered', async () => {
    const { connection, ledger, register } = await setup();
    await register();
    expect(await ledger.templates.get('purge', 1)).toEqual(template);
    expect(await ledger.templates.newest('purge')).toEqual(template);
    const memory = connection.observations.memoryOf('shop');
    expect(await memory.customTemplate('purge', 1)).toEqual(template);
    for (const [name, version] of [
      ['purge', 2],
      ['other', 1],
      ["purge' OR true --", 1],
    ] as const) {
      expect(await ledger.templates.get(name, version)).toBeUndefined();
      expect(await memory.customTemplate(name, version)).toBeUndefined();
    }
    await register({ name: 'none', lockMode: null, parameters: [], access: 'observe', class: 'idempotent' });
    expect(await ledger.templates.newest('none')).toMatchObject({ lockMode: null, parameters: [], access: 'observe' });
  });

  it('get the next version of their name, also when many are registered at once', async () => {
    const { ledger, register } = await setup();
    const names = ['purge', 'purge', 'other', 'purge', 'other'];
    const versions = await Promise.all(names.map((name) => register({ name })));
    const of = (name: string) => versions.filter((_, at) => names[at] === name).toSorted();
    expect([of('purge'), of('other')]).toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
    expect(await ledger.templates.newest('purge')).toMatchObject({ version: 3 });
  });

  it('are listed newest first, page by page, of one name or retired ones only', async () => {
    const { ledger, register, retire } = await setup();
    for (const name of ['b', 'a', 'b', 'a', 'b']) await register({ name });
    await retire('b', 2);
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await ledger.templates.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ name, version }) => `${name}@${version}`));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(['b@3', 'b@2', 'b@1', 'a@2', 'a@1']);
    const of = async (filter: { name?: string; retired?: boolean }) =>
      (await ledger.templates.list({ limit: 10 }, filter)).items.map(({ name, version }) => `${name}@${version}`);
    expect(await of({ name: 'a' })).toEqual(['a@2', 'a@1']);
    expect(await of({ retired: true })).toEqual(['b@2']);
    expect(await of({ retired: false, name: 'b' })).toEqual(['b@3', 'b@1']);
    await expect(ledger.templates.list({ limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('never change, whoever asks, but for being retired once', async () => {
    const { ledger, register, retire, sql } = await setup();
    await register();
    const refused = [
      `UPDATE custom_templates SET statements = ARRAY['DROP TABLE x']`,
      `UPDATE custom_templates SET hash = '${'b'.repeat(64)}'`,
      `UPDATE custom_templates SET retired_at = now(), retired_by = 'x', description = 'y'`,
      `UPDATE custom_templates SET version = 2`,
      'DELETE FROM custom_templates',
      'TRUNCATE custom_templates',
      `SET session_replication_role = replica; UPDATE custom_templates SET description = 'y'`,
    ];
    for (const statement of refused) {
      await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
    await sql.unsafe('RESET session_replication_role');
    expect(await ledger.templates.get('purge', 1)).toEqual(template);
    await retire('purge', 1);
    expect(await ledger.templates.get('purge', 1)).toEqual({
      ...template,
      retiredAt: noon,
      retiredBy: 'api_key:tester',
    });
    const taken = [
      'UPDATE custom_templates SET retired_at = NULL, retired_by = NULL',
      `UPDATE custom_templates SET retired_at = now()`,
    ];
    for (const statement of taken)
      await expect(sql.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' });
  });
});
