import { expect, it } from 'vitest';
import { auditProbe } from './audit-probe.ts';

const ask = (oldestSeconds: number, signed = true) =>
  auditProbe({ backlog: async () => ({ unsealed: 3, oldestSeconds }) }, { signed })();

it('is healthy while sealing follows, and says when nobody signs', async () => {
  expect(await ask(60)).toEqual({ status: 'HEALTHY', message: '3 events wait to be sealed; heads are signed' });
  expect((await ask(0, false)).message).toBe('3 events wait to be sealed; heads are not signed: no AUDIT_SIGNING_KEY');
});

it('is degraded when an event waits for longer than a minute', async () => {
  expect(await ask(61.4)).toEqual({
    status: 'DEGRADED',
    message: '3 events wait to be sealed, the oldest for 61 s; heads are signed',
  });
});
