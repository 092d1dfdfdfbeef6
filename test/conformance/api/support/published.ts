import { z } from 'zod';

type Json = Record<string, unknown>;

interface Document {
  readonly paths: Record<string, Record<string, { responses: Record<string, ResponseObject | undefined> }>>;
  readonly components: { readonly schemas: Json };
}
interface ResponseObject {
  readonly content?: Record<string, { schema: Json }>;
}
interface App {
  request(path: string): Response | Promise<Response>;
}

/** What the OpenAPI document says of an answer: the schema of its JSON, by endpoint and status. */
export type Published = (endpoint: { method: string; path: string }, status: number) => Promise<z.ZodType | undefined>;

/** Reads the document of an app, once, when it is first needed. */
export function publishedBy(app: App): Published {
  const schemas = new Map<string, z.ZodType>();
  let document: Promise<Document> | undefined;
  return async ({ method, path }, status) => {
    document ??= readDocument(app);
    const { components, paths } = await document;
    const responses = paths[path]?.[method]?.responses ?? {};
    const response = responses[status] ?? responses[`${String(status)[0]}XX`];
    const [schema] = Object.values(response?.content ?? {}).map((content) => content.schema);
    if (schema === undefined) return undefined;
    const name = `${method} ${path} ${status}`;
    const known = schemas.get(name) ?? z.fromJSONSchema(withDefinitions(schema, components.schemas));
    schemas.set(name, known);
    return known;
  };
}

async function readDocument(app: App): Promise<Document> {
  const answer = await app.request('/openapi.json');
  return (await answer.json()) as Document;
}

/** A schema of the document, on its own feet. */
function withDefinitions(schema: Json, definitions: Json): Json {
  const text = JSON.stringify({ ...schema, $defs: definitions });
  return JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/'));
}
