import { describe, expect, it } from 'vitest';
import { type Scope, scopes } from '../ports/index.ts';
import { allows } from './allows.ts';

describe('allows', () => {
  const [read, write, admin] = scopes;
  const granted: [Scope, Scope[]][] = [
    [read, [read]],
    [write, [read, write]],
    [admin, [read, write, admin]],
  ];

  it.each(granted)('%s includes exactly %j', (held, included) => {
    expect(scopes.filter((needed) => allows([held], needed))).toEqual(included);
  });

  it('allows nothing without a scope, and as much as the greatest of several', () => {
    expect(scopes.filter((needed) => allows([], needed))).toEqual([]);
    expect(allows([read, write], write)).toBe(true);
    expect(allows([read, write], admin)).toBe(false);
  });

  it('is not deceived by a scope it does not know', () => {
    expect(allows(['maintenance:root' as Scope], read)).toBe(false);
  });
});
