import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { checkNames } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checks } from './registry.ts';
import { checkTypes } from './schemas.ts';

const docs = new URL('../../../docs/checks/', import.meta.url);
const pageOf = (name: string): string => `${name.replaceAll('_', '-')}.md`;

describe('registry', () => {
  it('holds every check there is, by its name and in its order', () => {
    expect(checkTypes.map(({ name }) => name)).toEqual([...checkNames]);
    expect(checks.map(({ type }) => type)).toEqual(checkTypes);
    for (const [i, { type }] of checks.entries()) expect(type).toBe(checkTypes[i]);
  });

  it('keeps drivers out of what the control plane loads', () => {
    const script = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ resolve: (specifier, context, next) => { const found = next(specifier, context); loaded.push(found.url); return found; } });
await import(${JSON.stringify(new URL('./schemas.ts', import.meta.url).href)});
process.stdout.write(JSON.stringify(loaded));`;
    const loaded: string[] = JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
    );
    const foreign = loaded.filter((url) => !/[/]packages[/]checks[/]src[/]|[/]node_modules[/]zod[/]/.test(url));
    expect(foreign).toEqual([]);
    expect(loaded.filter((url) => url.endsWith('/schema.ts'))).toHaveLength(checkTypes.length);
  });

  it('lists them in the documentation', async () => {
    const rows = checkTypes.map(({ name, description }) => `| [\`${name}\`](${pageOf(name)}) | ${description} |`);
    const list = [
      '# Checks',
      '',
      'What is looked for on a PostgreSQL, 14 to 18. `GET /api/v1/maintenance/checks` has the same list with defaults and JSON Schemas;',
      '`POST /api/v1/maintenance/checks/run` runs them. Every run says what it judged, what it left out by rule, and what it could not see, with the',
      '`GRANT` that would cure it: an empty answer is never "healthy" by itself.',
      '',
      '| check | what it looks for |',
      '|---|---|',
      ...rows,
      '',
    ];
    await expect(list.join('\n')).toMatchFileSnapshot(new URL('README.md', docs).pathname);
  });
});

describe.each(checkTypes.map((type) => [type.name, type] as const))('%s', (name, { config, description }) => {
  it('says what it looks for', () => expect(description.length).toBeGreaterThan(20));

  it('has a default for every key, and takes its own defaults back', () => {
    const defaults = config.parse({});
    expect(config.parse(defaults)).toEqual(defaults);
    expect(JSON.parse(JSON.stringify(defaults))).toEqual(defaults);
  });

  it('refuses keys it does not know', () => {
    const { error } = config.safeParse({ no_such_key: 1 });
    expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['no_such_key'] }]);
  });

  it('describes every key in its JSON Schema, with the default', () => {
    const schema = z.toJSONSchema(config, { io: 'input' });
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(Object.keys(schema.properties ?? {})).toEqual(Object.keys(config.parse({})));
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      expect(key).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(property).toMatchObject({
        description: expect.stringMatching(/.{20,}/),
        default: expect.toSatisfy((value) => value !== undefined),
      });
    }
  });

  it('has a page in the documentation, with every section', () => {
    const page = readFileSync(new URL(pageOf(name), docs), 'utf8');
    const headings = page.split('\n').filter((line) => /^#{1,2} /.test(line));
    expect(headings).toEqual([
      `# ${name}`,
      '## What',
      '## Why',
      '## Rule',
      '## Evidence',
      '## Action',
      '## What it cannot see',
      '## How other tools differ',
    ]);
  });
});
