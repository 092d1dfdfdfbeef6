import type { RequestContext } from '@slacktide/application';
import type { Scope } from '@slacktide/application/ports';
import type { z } from 'zod';
import type { ApiDeps } from './deps.ts';

/** Who may call: a scope of an API key, or anybody. Declared by every endpoint; there is no default. */
export type Permission = Scope | 'public';

/** What an endpoint answers. */
export interface Answer {
  readonly status: 200 | 201 | 202 | 204 | 503;
  readonly body?: object;
  /** In place of a JSON body. */
  readonly text?: { readonly content: string; readonly mediaType: string };
  /** In place of a JSON body that would be too long: read as the caller takes it, and dropped when he goes. */
  readonly stream?: { readonly chunks: AsyncIterable<string>; readonly mediaType: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that was authenticated, parsed and checked. */
export interface Call<Params, Query, Body> {
  readonly deps: ApiDeps;
  readonly ctx: RequestContext;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The version that If-Match names; null = whichever there is: `*`, or the endpoint asks for none. */
  readonly expectedVersion: number | null;
}

export interface AnswerDoc {
  readonly description: string;
  readonly schema?: z.ZodType;
}

/** One operation of the API: what it is called, who may call it, what goes in and out, and the verb behind it. */
export interface Endpoint<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** OpenAPI form: `/api/v1/maintenance/jobs/{id}`. */
  readonly path: string;
  readonly permission: Permission;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  /** Left out = takes none: only an empty body or `{}` passes. */
  readonly body?: z.ZodType<Body>;
  /** Accepted besides `application/json`, and preferred. */
  readonly bodyMediaType?: 'application/merge-patch+json';
  /** Needs If-Match: the version that the caller has seen. */
  readonly ifMatch?: boolean;
  /** Takes an Idempotency-Key. */
  readonly idempotent?: boolean;
  readonly answers: Readonly<Record<number, AnswerDoc>>;
  readonly handle: (call: Call<Params, Query, Body>) => Promise<Answer>;
}

/** Declares an endpoint with its types inferred from its schemas. */
export function endpoint<Params, Query, Body>(definition: Endpoint<Params, Query, Body>): Endpoint {
  return definition as unknown as Endpoint;
}

/** The ETag of a version. */
export function etagOf(version: number): Readonly<Record<string, string>> {
  return { etag: `"${version}"` };
}
