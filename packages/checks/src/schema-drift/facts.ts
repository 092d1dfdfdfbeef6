/** Kinds of objects in the order in which they are read, kept and told of. */
export const objectKinds = [
  'schema',
  'table',
  'type',
  'sequence',
  'constraint',
  'index',
  'policy',
  'trigger',
  'view',
  'materialized_view',
  'function',
  'procedure',
  'aggregate',
] as const;
export type ObjectKind = (typeof objectKinds)[number];

/** What an object is called, which is all that it is recognised by. */
export interface ObjectName {
  readonly kind: ObjectKind;
  /** Null for a schema. */
  readonly schema: string | null;
  /** The table of an index, constraint, trigger or policy; types of the arguments of a routine; else empty. */
  readonly within: string;
  readonly name: string;
}

/** Its definition, part by part, e.g. `column id` → `integer NOT NULL`. */
export type Parts = Readonly<Record<string, string>>;

export interface SchemaObject extends ObjectName {
  /** Null where it cannot be read without waiting for a lock. */
  readonly parts: Parts | null;
}

/** The schema as it is now. */
export interface SchemaFacts {
  readonly database: string;
  readonly majorVersion: number;
  readonly objects: readonly SchemaObject[];
  /** Indexes that are not valid: invalid_index looks after them. */
  readonly invalidIndexes: readonly ObjectName[];
}

/** One text for each name, and no two names with the same. An index has its name within the schema, whatever its table. */
export function keyOf({ kind, schema, within, name }: ObjectName): string {
  return JSON.stringify([kind, schema, kind === 'index' ? '' : within, name]);
}
