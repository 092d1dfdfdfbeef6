/** What synchronous_standby_names asks for. */
export interface SyncNames {
  /** So many of them have to confirm a commit. */
  readonly required: number;
  /** As they are written, in order; `*` stands for any. */
  readonly names: readonly string[];
}

/** Null = nothing is asked for. */
export function parseSyncNames(setting: string): SyncNames | null {
  const [, count, inner] = /^\s*(?:(?:any|first)\s+)?(\d+)\s*\(([\s\S]*)\)\s*$/i.exec(setting) ?? [];
  const list = inner ?? setting;
  const names = [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
  return names.length === 0 ? null : { required: count === undefined ? 1 : Number(count), names };
}

/** Whether a standby of this application_name is one of them, as the server compares: whatever the case. */
export function isNamed(applicationName: string, name: string): boolean {
  return name === '*' || name.toLowerCase() === applicationName.toLowerCase();
}
