import { AppError } from '@slacktide/application';

/** Position in a list: an instant and the id of the row there. Opaque to callers. */
export interface Position {
  readonly at: Date;
  readonly id: string;
}

/** The cursor that stands for `position`. */
export function encodeCursor({ at, id }: Position): string {
  return Buffer.from(JSON.stringify([at.getTime(), id])).toString('base64url');
}

/**
 * The position a caller's cursor stands for; `isId` says what the ids of this list look like.
 * @throws AppError `invalid_request` for anything `encodeCursor` did not make.
 */
export function decodeCursor(cursor: string, isId: (id: string) => boolean): Position {
  try {
    const [atMs, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const at = new Date(Number.isSafeInteger(atMs) ? (atMs as number) : Number.NaN);
    if (typeof id === 'string' && isId(id) && at.getTime() >= 0) return { at, id };
  } catch {
    // Not base64url, or not JSON: answered below like any other foreign cursor.
  }
  const detail = 'expected a cursor as next_cursor gave it';
  throw new AppError('invalid_request', detail, { problems: [{ pointer: '?cursor', code: 'invalid_cursor', detail }] });
}
