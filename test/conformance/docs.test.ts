import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { taskTypes } from '@slacktide/executors/schemas';
import { createMetrics } from '@slacktide/telemetry';
import { describe, expect, it } from 'vitest';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(join(checkout, file), 'utf8');
const documents = [
  'README.md',
  'packages/domain/README.md',
  'packages/ledger/README.md',
  ...readdirSync(join(checkout, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

describe('the documents', () => {
  it.each(documents)('%s names only files that exist', (document) => {
    const text = read(document);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) =>
      join(dirname(document), path),
    );
    const paths = [...text.matchAll(/`((?:apps|packages|infra|test|docs)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    const commands = [...text.matchAll(/((?:apps|packages|infra)\/[\w./-]+\.(?:ts|mjs))/g)].map(
      ([, path = '']) => path,
    );
    const missing = [...links, ...paths, ...commands].filter((path) => !existsSync(join(checkout, path)));
    expect(missing).toEqual([]);
  });

  it('explain every variable that the apps read, and no other', () => {
    const documented = new Set(
      [...read('docs/operations.md').matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
        [...cell.matchAll(/[A-Z_]{3,}/g)].map(String),
      ),
    );
    const readBy = (app: string) =>
      [...read(`apps/${app}/src/config.ts`).matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name = '']) => name);
    const variables = new Set([...readBy('control-plane'), ...readBy('worker')]);
    variables.delete('SLACKTIDE_PARENT_WATCH'); // between the local launcher and its children
    expect([...documented].sort()).toEqual([...variables].sort());
  });

  it('name every metric and every task type', () => {
    const metrics = createMetrics({ service: 'docs', taskTypes: [] })
      .registry.getMetricsAsArray()
      .map(({ name }) => name)
      .filter((name) => name.startsWith('maintenance_'));
    const operations = read('docs/operations.md');
    expect(metrics.filter((name) => !operations.includes(`\`${name}`))).toEqual([]);
    const described = read('docs/task-types.md');
    expect(taskTypes.map(({ type }) => type).filter((type) => !described.includes(`\`${type}\``))).toEqual([]);
  });
});
