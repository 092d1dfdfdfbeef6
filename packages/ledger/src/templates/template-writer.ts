import type { TemplateWriter } from '@slacktide/application/ports';
import type { CustomTemplate } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';

/** Writes templates in a transaction. */
export function createTemplateWriter(sql: LedgerSql): TemplateWriter {
  return {
    async nextVersion(name) {
      // There may be no row to lock yet: two registrations at once must not both be the first.
      await sql`SELECT pg_advisory_xact_lock(hashtext('slacktide.templates'), hashtext(${name}))`;
      const [row] = await sql<[{ version: number }]>`
        SELECT coalesce(max(version), 0) + 1 AS version FROM custom_templates WHERE name = ${name}`;
      return row.version;
    },

    async insert({ parameters, ...template }) {
      await sql`INSERT INTO custom_templates ${sql({ ...template, parameters: jsonb(sql, parameters) })}`;
    },

    async getForUpdate(name, version) {
      const [row] = await sql<CustomTemplate[]>`
        SELECT * FROM custom_templates WHERE name = ${name} AND version = ${version} FOR UPDATE`;
      return row;
    },

    async retire(name, version, { at, by }) {
      await sql`
        UPDATE custom_templates SET retired_at = ${at}, retired_by = ${by} WHERE name = ${name} AND version = ${version}`;
    },
  };
}
