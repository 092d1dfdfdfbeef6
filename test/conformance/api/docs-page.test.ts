import { expect, it } from 'vitest';
import { startApi } from './support/start-api.ts';

/** What of a page or stylesheet makes a browser fetch something. */
function references(text: string): string[] {
  const found = text.matchAll(/(?:src|href|action)\s*=\s*["']([^"']+)|url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)/g);
  return [...found].map(([, attribute, url, imported]) => attribute ?? url ?? imported ?? '');
}

it('shows the API without a key, from its own files alone', async () => {
  const { call } = await startApi({ worker: null });
  const page = await call('GET /docs', { key: null });
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toContain('text/html');
  const files = references(page.text);
  expect(files.length).toBeGreaterThanOrEqual(4);
  for (const file of files) {
    expect(file).toMatch(/^\/docs\/[\w.-]+$/);
    const answer = await call(`GET ${file}`, { key: null });
    expect(answer.status, file).toBe(200);
    expect(answer.text.length, file).toBeGreaterThan(0);
    if (file.endsWith('.css')) expect(references(answer.text).filter((url) => !url.startsWith('data:'))).toEqual([]);
  }
});

it('sends nobody elsewhere: not by its policy, nor by the validator that Swagger UI has by default', async () => {
  const { call } = await startApi({ worker: null });
  const { headers } = await call('GET /docs', { key: null });
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
  const start = await call('GET /docs/start.js', { key: null });
  expect(start.text).toContain('validatorUrl: null');
  expect(start.text).not.toMatch(/https?:/);
});

it('gives out no other file of the package', async () => {
  const { call } = await startApi({ worker: null });
  for (const file of [
    'package.json',
    'swagger-ui.js',
    '..%2fpackage.json',
    '%2e%2e/package.json',
    'swagger-ui.css/x',
  ]) {
    expect(await call(`GET /docs/${file}`, { key: null }), file).toMatchObject({ status: 404 });
  }
});
