import type { LockMode } from './lock-modes.ts';
import type { Access } from './task-type.ts';

/** Types of the parameters of a template. Values of the last two name objects of the catalogue; all others are bound. */
export const templateParameterTypes = [
  'int8',
  'numeric',
  'text',
  'boolean',
  'timestamptz',
  'date',
  'uuid',
  'relation',
  'schema',
] as const;
export type TemplateParameterType = (typeof templateParameterTypes)[number];

/** What may happen after an unclear outcome of a template's statements; nothing takes them back. */
export const templateClasses = ['idempotent', 'never_retry'] as const;
export type TemplateClass = (typeof templateClasses)[number];

/** A value as a configuration says it. */
export type TemplateValue = string | number | boolean;

/** One parameter of a template: `$n` in its statements is the n-th of them, `{{name}}` the one of that name. */
export interface TemplateParameter {
  readonly name: string;
  readonly type: TemplateParameterType;
  readonly required: boolean;
  /** What holds when nothing is said. Null = NULL is bound; never for relations and schemas. */
  readonly default: TemplateValue | null;
  /** Its values are shown in no plan and no result. */
  readonly secret: boolean;
  /** Of texts, in characters. */
  readonly maxLength: number | null;
  /** Of numbers and times; both bounds are allowed themselves. */
  readonly min: TemplateValue | null;
  readonly max: TemplateValue | null;
  /** Nothing but these. */
  readonly allowed: readonly TemplateValue[] | null;
}

/** What somebody registers: SQL that may be run on targets, later, with other values each time. */
export interface TemplateContent {
  readonly name: string;
  readonly description: string;
  /** Each one statement, sent alone, in this order. */
  readonly statements: readonly string[];
  readonly parameters: readonly TemplateParameter[];
  /** `observe`: the server itself lets the statements change nothing. */
  readonly access: Access;
  readonly class: TemplateClass;
  /** The strongest lock on a table that the statements take; null = none. */
  readonly lockMode: LockMode | null;
}

/** One version of a template. Versions never change; they are only retired. */
export interface CustomTemplate extends TemplateContent {
  /** From 1, by registration. */
  readonly version: number;
  /** SHA-256 of `canonicalTemplate`, in hexadecimal. */
  readonly hash: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly retiredAt: Date | null;
  readonly retiredBy: string | null;
}

/** True for parameters whose values are bound; the others name objects of the catalogue. */
export function isBoundParameter({ type }: Pick<TemplateParameter, 'type'>): boolean {
  return type !== 'relation' && type !== 'schema';
}

/** Default of `maxLength`, in characters. */
export const defaultMaxLength = 1_000;

/** The one text of a version that its hash is taken of: lists in a fixed order, so that no key can be moved or left out. */
export function canonicalTemplate(template: TemplateContent & { readonly version: number }): string {
  const { name, version, description, statements, parameters, access, class: safetyClass, lockMode } = template;
  const ordered = parameters.map((parameter) => [
    parameter.name,
    parameter.type,
    parameter.required,
    parameter.default,
    parameter.secret,
    parameter.maxLength,
    parameter.min,
    parameter.max,
    parameter.allowed,
  ]);
  return JSON.stringify([1, name, version, description, statements, ordered, access, safetyClass, lockMode]);
}
