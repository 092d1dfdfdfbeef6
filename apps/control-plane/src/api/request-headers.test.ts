import { expect, it } from 'vitest';
import { expectedVersion, idempotencyClaim } from './request-headers.ts';

it('finds the version that If-Match names', () => {
  const versions = ['"7"', ' "7" ', 'W/"7"', '"999999999"', '*'].map(expectedVersion);
  expect(versions).toEqual([7, 7, 7, 999_999_999, null]);
});

it('takes what is no version of ours for another than the present one', () => {
  for (const text of ['', '7', '"seven"', '"-1"', '"1" , "2"', "'7'", 'w/"7"', '"9999999999"', '"7"x']) {
    expect(() => expectedVersion(text), text).toThrow(expect.objectContaining({ code: 'precondition_failed' }));
  }
  expect(() => expectedVersion(undefined)).toThrow(expect.objectContaining({ code: 'precondition_required' }));
});

it('tells one request from another by address and body', () => {
  const request = { principal: 'k1', route: 'post /runs', url: '/runs?a=1', body: '{}' };
  const hash = (changes: object = {}) => idempotencyClaim('key', { ...request, ...changes })?.requestHash;
  expect(idempotencyClaim('key', request)).toMatchObject({ key: 'key', principal: 'k1', route: 'post /runs' });
  expect(hash()).toBe(hash());
  expect(new Set([hash(), hash({ url: '/runs?a=2' }), hash({ body: '{ }' })]).size).toBe(3);
  expect(idempotencyClaim(undefined, request)).toBeUndefined();
});
