import { describe, expect, it } from 'vitest';
import { compareEpochs, type ServerEpoch } from './server-epoch.ts';

const before: ServerEpoch = {
  systemIdentifier: '7',
  postmasterStart: '2026-11-22 03:00:00.123456+00',
  timeline: '00000001',
};
const restart = { postmasterStart: '2026-11-22 04:00:00.654321+00' };

describe('compareEpochs', () => {
  it.each([
    ['same', {}],
    ['restarted', restart],
    ['promoted', { timeline: '00000002' }],
    ['promoted', { timeline: '00000002', ...restart }],
    ['promoted', { timeline: null }],
    ['other_system', { systemIdentifier: '8' }],
    ['other_system', { systemIdentifier: '8', timeline: '00000002', ...restart }],
  ])('is %s after %j', (change, changes) => {
    expect(compareEpochs(before, { ...before, ...changes })).toBe(change);
  });
});
