import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** What a script or a test needs to talk to the running stack. The URLs hold passwords and work as they are in psql and redis-cli. */
export interface DevFile {
  url: string;
  api_key: string;
  target_id: string;
  target_url: string;
  database_url: string;
  redis_url: string;
}

/** Appears complete or not at all; only its owner may read it. */
export function writeDevFile(file: string, content: DevFile): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Gone with the stack, so that nobody talks to URLs where nothing, or something else, listens. */
export function removeDevFile(file: string): void {
  rmSync(file, { force: true });
}
