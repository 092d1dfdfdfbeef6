import type { TargetReader } from '@slacktide/application/ports';
import type { CareSetting, JsonObject } from '@slacktide/domain';

/** What protects data on the server itself, with the value that protects. */
const serverSafeguards: Readonly<Record<string, string>> = {
  fsync: 'on',
  full_page_writes: 'on',
  autovacuum: 'on',
  track_counts: 'on',
  data_checksums: 'on',
  zero_damaged_pages: 'off',
  ignore_checksum_failure: 'off',
  ignore_system_indexes: 'off',
  allow_system_table_mods: 'off',
};

const settingsSql = `SELECT name, setting FROM pg_settings WHERE name = ANY ($1)`;
const tablesSql = `
SELECT count(*)::int AS tables FROM pg_class c, pg_options_to_table(c.reloptions) o
WHERE c.relkind IN ('r', 'm', 't') AND c.relpersistence <> 't'
  AND CASE WHEN o.option_name = 'autovacuum_enabled' THEN NOT o.option_value::bool ELSE false END`;

/** Every safeguard that is off, overridden or bypassed: in the settings of care, in this run, and on the server. */
export async function listBypasses(
  reader: TargetReader,
  items: readonly CareSetting[],
  force: boolean,
): Promise<readonly JsonObject[]> {
  const settings = await reader.query<{ name: string; setting: string }>(settingsSql, [Object.keys(serverSafeguards)]);
  const [off] = await reader.query<{ tables: number }>(tablesSql);
  return [
    ...(force ? [{ safeguard: 'intervals', status: 'bypassed', detail: 'the run was forced' }] : []),
    ...careBypasses(items),
    ...settings.flatMap(({ name, setting }): JsonObject[] =>
      setting === serverSafeguards[name]
        ? []
        : [{ safeguard: `server ${name}`, status: 'off', detail: `${name} is ${setting}` }],
    ),
    ...((off?.tables ?? 0) > 0
      ? [
          {
            safeguard: 'autovacuum of tables',
            status: 'off',
            detail: `autovacuum_enabled is off for ${off?.tables} tables`,
          },
        ]
      : []),
  ];
}

/** A switch that is off, an automatism that is on, a threshold that is not the default. */
export function careBypasses(items: readonly CareSetting[]): readonly JsonObject[] {
  return items.flatMap(({ path, value, origin, byDefault }): JsonObject[] => {
    if (value === byDefault) return [];
    const isSwitch = path.endsWith('enabled');
    const isAutomatism = /\.auto_\w+$/.test(path);
    const status = isSwitch ? 'off' : isAutomatism ? 'bypassed' : 'overridden';
    return [
      {
        safeguard: path,
        status,
        detail: `${JSON.stringify(value)} instead of ${JSON.stringify(byDefault)}, by ${origin}`,
      },
    ];
  });
}
