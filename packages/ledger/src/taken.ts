import { AppError } from '@slacktide/application';
import { violatedConstraint } from './ledger-errors.ts';

/** A refused insert in the caller's terms: `conflict`, naming `/id`, when the id is taken; else the error itself. */
export function takenError(error: unknown, entity: { table: 'schedules' | 'targets'; id: string }): unknown {
  if (violatedConstraint(error) !== `${entity.table}_pkey`) return error;
  const detail = `another ${entity.table.slice(0, -1)} has the id ${JSON.stringify(entity.id)}`;
  return new AppError('conflict', detail, { problems: [{ pointer: '/id', code: 'taken', detail }], cause: error });
}
