import type { JsonObject } from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

export interface AuditEvent {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly entity: string;
  readonly entityId: string;
  readonly reason: string | null;
  readonly traceId: string | null;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
}

export interface AuditFilter {
  readonly entity?: string | undefined;
  readonly entityId?: string | undefined;
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

export interface AuditReader {
  list(page: Page, filter?: AuditFilter): Promise<PageOf<AuditEvent>>;
}
