import { AppError } from '@slacktide/application';
import { violatedConstraint } from './ledger-errors.ts';

/** A refused insert or update in the caller's terms: `conflict`, naming `/id` or `/name`, when that is what is taken. */
export function takenError(
  error: unknown,
  entity: { table: 'schedules' | 'targets'; id: string; name: string },
): unknown {
  const field = { [`${entity.table}_pkey`]: 'id', [`${entity.table}_name_key`]: 'name' }[
    violatedConstraint(error) ?? ''
  ];
  if (field !== 'id' && field !== 'name') return error;
  const detail = `another ${entity.table.slice(0, -1)} has the ${field} ${JSON.stringify(entity[field])}`;
  return new AppError('conflict', detail, {
    problems: [{ pointer: `/${field}`, code: 'taken', detail }],
    cause: error,
  });
}
