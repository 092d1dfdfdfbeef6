import type { TemplateReader } from '@slacktide/application/ports';
import type { CustomTemplate } from '@slacktide/domain';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';

/** Within a list: `name@version`. */
const idPattern = /^(?<name>[a-z0-9][a-z0-9-]{0,62})@(?<version>[1-9]\d{0,9})$/;

/** Reads templates. */
export function createTemplateReader(sql: LedgerSql): TemplateReader {
  return {
    get: (name, version) => selectTemplate(sql, name, version),

    async newest(name) {
      const [row] = await sql<CustomTemplate[]>`
        SELECT * FROM custom_templates WHERE name = ${name} ORDER BY version DESC LIMIT 1`;
      return row;
    },

    async list(page, filter = {}) {
      const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, (id) => idPattern.test(id));
      const { name = '', version = '0' } = idPattern.exec(after?.id ?? '')?.groups ?? {};
      const rows = await sql<CustomTemplate[]>`
        SELECT * FROM custom_templates
        ${whereAll(sql, [
          after && sql`(created_at, name, version) < (${after.at}, ${name}, ${Number(version)})`,
          filter.name === undefined ? undefined : sql`name = ${filter.name}`,
          filter.retired === undefined ? undefined : sql`(retired_at IS NOT NULL) = ${filter.retired}`,
        ])}
        ORDER BY created_at DESC, name DESC, version DESC LIMIT ${rowsToRead(sql, page)}`;
      return pageOf(rows, page, (row) => ({ at: row.createdAt, id: `${row.name}@${row.version}` }));
    },
  };
}

/** One version, as it was registered. */
export async function selectTemplate(
  sql: LedgerSql,
  name: string,
  version: number,
): Promise<CustomTemplate | undefined> {
  const [row] = await sql<CustomTemplate[]>`
    SELECT * FROM custom_templates WHERE name = ${name} AND version = ${version}`;
  return row;
}
