import type { TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { standbyFigures } from './judge-standbys.ts';
import { readServer } from './read-server.ts';
import { readStandby } from './read-standby.ts';
import { checkType } from './schema.ts';

/** How a standby stands to the server it copies, in figures, with the problems that the check would find; `settings` are those of the check. */
export async function describeStandby(
  primary: TargetReader,
  standby: TargetReader,
  settings: JsonObject,
): Promise<JsonObject> {
  // The server before its standby: what that has got by then is not held against it.
  const server = await readServer(primary);
  return standbyFigures(await readStandby(standby), server, checkType.config.parse(settings));
}
