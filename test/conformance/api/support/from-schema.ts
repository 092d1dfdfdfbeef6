import fc from 'fast-check';
import { hostileJson, hostileString } from './hostile.ts';

/** The part of JSON Schema that our schemas use. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly example?: unknown;
}

/** Values of fields that a schema alone cannot make sensible, by the name of the field. */
export type Words = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** Values that fit a schema. */
export function fitting(schema: JsonSchema, words: Words, definitions = schema.$defs ?? {}): fc.Arbitrary<unknown> {
  const inner = (part: JsonSchema) => fitting(part, words, definitions);
  if (schema.$ref !== undefined) return inner(definitions[schema.$ref.replace(/^.*\//, '')] ?? {});
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(inner));
  const [type = 'any', ...others] = [schema.type ?? 'any'].flat();
  if (others.length > 0) return fc.oneof(...[type, ...others].map((each) => inner({ ...schema, type: each })));
  switch (type) {
    case 'string':
      return text(schema);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1000 });
    case 'number':
      return fc.double({
        min: schema.minimum ?? schema.exclusiveMinimum ?? -1e6,
        max: schema.maximum ?? 1e6,
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(inner(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
    case 'object':
      return object(schema, words, inner);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

function text({ format, maxLength = 40, minLength = 0, pattern }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((at) => at.toISOString());
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength, maxLength: Math.min(maxLength, 40), unit: 'grapheme' });
}

function object(
  schema: JsonSchema,
  words: Words,
  inner: (part: JsonSchema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema.properties ?? {}).map(
    ([name, part]) => [name, words[name] ?? inner(part)] as const,
  );
  if (fields.length > 0) return fc.record(Object.fromEntries(fields), { requiredKeys: [...(schema.required ?? [])] });
  if (typeof schema.additionalProperties !== 'object') return fc.constant({});
  return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), inner(schema.additionalProperties), { maxKeys: 3 });
}

/** Values that fit but for one place: something is changed, left out or added. */
export function nearlyFitting(schema: JsonSchema, words: Words): fc.Arbitrary<unknown> {
  return fc
    .tuple(fitting(schema, words), fc.infiniteStream(fc.nat(1_000)), hostileJson, hostileString)
    .map(([value, choices, foreign, key]) => disturb(value, { next: () => choices.next().value ?? 0, foreign, key }));
}

interface Disturbance {
  readonly next: () => number;
  readonly foreign: unknown;
  readonly key: string;
}

function disturb(value: unknown, how: Disturbance): unknown {
  if (typeof value !== 'object' || value === null) return how.foreign;
  const entries = Object.entries(value);
  const entry = entries[how.next() % Math.max(1, entries.length)];
  const act = how.next() % 4;
  if (entry === undefined || act === 0)
    return Array.isArray(value) ? [...value, how.foreign] : { ...value, [how.key]: how.foreign };
  const [name, inner] = entry;
  const changed = act === 1 ? undefined : act === 2 ? how.foreign : disturb(inner, how);
  if (Array.isArray(value)) return value.map((each, at) => (String(at) === name ? changed : each));
  return { ...value, [name]: changed };
}
