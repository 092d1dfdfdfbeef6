import { execFileSync } from 'node:child_process';
import { accesses, safetyClasses, taskCategories } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { executors } from './registry.ts';
import { taskTypes } from './schemas.ts';

describe('registry', () => {
  it('holds an executor for every task type the control plane knows, and no other', () => {
    expect(executors.map(({ taskType }) => taskType)).toEqual(taskTypes);
    for (const [i, { taskType }] of executors.entries()) expect(taskType).toBe(taskTypes[i]);
    expect(new Set(taskTypes.map(({ type }) => type)).size).toBe(taskTypes.length);
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
    const pure = [
      /[/]packages[/]executors[/]src[/](([a-z-]+[/])?schemas?|config-fields|fail-on)[.]ts$/,
      /[/]packages[/]checks[/]src[/]([a-z-]+[/])?schemas?[.]ts$/,
      /[/]packages[/]domain[/]src[/]/,
      // What the domain reads cron expressions with.
      /[/]node_modules[/](zod|cron-parser|luxon)[/]/,
    ];
    expect(loaded.filter((url) => !pure.some((allowed) => allowed.test(url)))).toEqual([]);
    const schemas = new Set(loaded.filter((url) => /[/]executors[/].*[/]schema[.]ts$/.test(url)));
    expect(schemas.size).toBe(taskTypes.length);
  });
});

describe.each(taskTypes.map((taskType) => [taskType.type, taskType] as const))('%s', (type, taskType) => {
  const { config } = taskType;

  it('says what it is', () => {
    expect(type).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(taskCategories).toContain(taskType.category);
    expect(accesses).toContain(taskType.access);
    expect(safetyClasses).toContain(taskType.class);
    expect(taskType.description.length).toBeGreaterThan(20);
  });

  it('has a default for every key, and takes its own defaults back', () => {
    const defaults = config.parse({});
    expect(config.parse(defaults)).toEqual(defaults);
    expect(JSON.parse(JSON.stringify(defaults))).toEqual(defaults);
    expect(Object.keys(defaults)).toEqual(expect.arrayContaining([...(taskType.newKeys ?? [])]));
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
});
