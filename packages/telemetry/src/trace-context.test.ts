import { describe, expect, it } from 'vitest';
import { currentTrace } from './trace-context.ts';

describe('currentTrace', () => {
  it('keeps a well-formed traceparent of the caller', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(currentTrace(traceparent)).toEqual({ traceId: '0af7651916cd43dd8448eb211c80319c', traceparent });
  });

  it.each([
    '',
    'nonsense',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    `00-${'g'.repeat(32)}-b7ad6b7169203331-01`,
  ])('makes a fresh one instead of %j', (incoming) => {
    const { traceId, traceparent } = currentTrace(incoming);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(traceparent).toBe(`00-${traceId}-${traceparent.split('-')[2]}-00`);
    expect(incoming).not.toContain(traceId);
  });
});
