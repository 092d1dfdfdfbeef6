import { expect, it } from 'vitest';
import { errorCodes, httpStatus } from './error-code.ts';
import { Problem, problem } from './problem.ts';

it('makes a valid problem document of every error code, with the status of the code', () => {
  for (const code of Object.keys(errorCodes) as (keyof typeof errorCodes)[]) {
    const document = problem(code, { detail: 'd', instance: '/x', traceId: 't' });
    expect(Problem.parse(document)).toEqual(document);
    expect(document).toMatchObject({ type: `https://slacktide.dev/problems/${code}`, status: httpStatus[code] });
  }
});
