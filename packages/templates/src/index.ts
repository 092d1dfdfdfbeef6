/**
 * SQL templates that an admin registers: what may stand in one, and how it is filled.
 *
 * - `judgeTemplate`: judges a template by the parse trees of its statements; PostgreSQL's own parser is loaded when it is needed first.
 * - `fillStatement`: the text that is sent, its tree compared with the template's.
 * - `templateHash`: what a version is known by.
 */
export { type Filled, fillStatement, longestRow, type NamedObject, type StatementFilling } from './fill-statement.ts';
export type { JudgedStatement } from './judge-statement.ts';
export { judgeTemplate, type TemplateJudgement } from './judge-template.ts';
export type { StatementWay } from './statement-rule.ts';
export { templateHash } from './template-hash.ts';
