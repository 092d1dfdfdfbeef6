import type { Inquiries, Ledger, TemplateRules } from './ports/index.ts';
import type { TaskTypeCatalog } from './task-type/task-type-catalog.ts';

/** What the verbs of the control plane work with; each declares the part it needs. */
export interface Deps {
  readonly ledger: Ledger;
  readonly inquiries: Pick<Inquiries, 'ask'>;
  readonly taskTypes: TaskTypeCatalog;
  readonly templateRules: TemplateRules;
  /** As many random bytes as asked for, from a cryptographic source. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** How long a worker may take to answer about a target. A look takes milliseconds, a plan of thousands of indexes seconds. */
  readonly inquiryTimeoutMs: number;
}
