import { TargetError, type TargetErrorCode } from '@slacktide/application/ports';
import type { LoadFigure, LoadFigures, LoadGap } from '@slacktide/domain';

/** The server would not tell; what is not among them ends the work. */
const refusals: readonly TargetErrorCode[] = [
  'insufficient_privilege',
  'lock_timeout',
  'statement_timeout',
  'statement_failed',
];

/** What was seen, which is at least so much where something was not. */
export function partly(value: number | null, gap: LoadGap | false): LoadFigure {
  return gap === false ? { value } : { value, gap };
}

/** What `read` gives, or these figures as not known because the server refused. */
export async function orGaps(
  figures: readonly (keyof LoadFigures)[],
  read: () => Promise<LoadFigures>,
): Promise<LoadFigures> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TargetError && refusals.includes(error.code))) throw error;
    const gap = { reason: `the server refused: ${error.message}`, grant: null };
    return Object.fromEntries(figures.map((figure) => [figure, { value: null, gap }]));
  }
}
