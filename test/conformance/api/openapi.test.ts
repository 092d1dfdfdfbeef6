import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { endpoints } from '../../../apps/control-plane/src/api/endpoints.ts';
import { startApi } from './support/start-api.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly security?: readonly Json[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}

async function readDocument() {
  const { call } = await startApi({ worker: null });
  const { body, status } = await call('GET /openapi.json', { key: null });
  expect(status).toBe(200);
  const operations = Object.entries<Record<string, Operation>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  /** A schema, or the one it refers to. */
  const resolve = (schema: Json): Json => {
    const [, name] = /^#\/components\/schemas\/(.+)$/.exec(String(schema['$ref'])) ?? [];
    return name === undefined ? schema : body.components.schemas[name];
  };
  return { body, operations, resolve };
}

it('is a valid OpenAPI 3.1 document', async () => {
  const { body } = await readDocument();
  expect(body.openapi).toBe('3.1.0');
  const { errors, valid } = await new Validator().validate(structuredClone(body));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

it('describes every endpoint and nothing else, each under a name of its own', async () => {
  const { operations } = await readDocument();
  const described = operations.map(({ name }) => name).sort();
  expect(described).toEqual(endpoints.map(({ method, path }) => `${method} ${path}`).sort());
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
});

it('says of every operation who may call it', async () => {
  const { body, operations } = await readDocument();
  expect(body.components.securitySchemes).toMatchObject({ apiKey: { type: 'http', scheme: 'bearer' } });
  for (const { name, operation } of operations) {
    const endpoint = endpoints.find(({ method, path }) => `${method} ${path}` === name);
    expect(operation.security, name).toEqual(endpoint?.permission === 'public' ? [] : [{ apiKey: [] }]);
  }
});

it('gives an example of every body, and each fits its schema', async () => {
  const { operations, resolve } = await readDocument();
  for (const { name, operation } of operations) {
    const contents = [operation.requestBody, ...Object.values(operation.responses)].flatMap((part) =>
      Object.entries(part?.content ?? {}),
    );
    for (const [mediaType, { schema }] of contents) {
      if (mediaType.endsWith('json')) expect(resolve(schema)['example'], `${name} ${mediaType}`).toBeDefined();
    }
  }
  for (const { answers, body, method, path } of endpoints) {
    for (const schema of [body, ...Object.values(answers).map((answer) => answer.schema)]) {
      const example = schema?.meta()?.['example'];
      if (example !== undefined) expect(schema?.safeParse(example).error, `${method} ${path}`).toBeUndefined();
    }
  }
});

it('says of every operation how it fails', async () => {
  const { operations, resolve } = await readDocument();
  for (const { name, operation } of operations) {
    for (const status of ['4XX', '5XX']) {
      const schema = operation.responses[status]?.content?.['application/problem+json']?.schema ?? {};
      expect(resolve(schema)['required'], `${name} ${status}`).toContain('trace_id');
    }
  }
});
