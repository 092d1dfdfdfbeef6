import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parameter, template } from './template.fixture.ts';
import { templateHash } from './template-hash.ts';

describe('templateHash', () => {
  const version = { ...template(), version: 1 };

  it('is SHA-256 of the one text of the content, and stays what it is', () => {
    const text =
      '[1,"purge-orders",1,"Deletes old orders",["DELETE FROM public.orders WHERE placed_at < $1"],' +
      '[["before","timestamptz",true,null,false,null,null,null,null]],"act","never_retry","ROW EXCLUSIVE"]';
    expect(templateHash(version)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('does not depend on the order of keys', () => {
    const [first] = version.parameters;
    const turned = Object.fromEntries(Object.entries(first ?? {}).reverse());
    expect(templateHash({ ...version, parameters: [turned as never] })).toBe(templateHash(version));
  });

  it.each<[string, object]>([
    ['name', { name: 'other' }],
    ['version', { version: 2 }],
    ['description', { description: '' }],
    ['a statement', { statements: ['DELETE FROM public.orders WHERE placed_at <= $1'] }],
    ['the number of statements', { statements: [...version.statements, 'CHECKPOINT'] }],
    ['a type', { parameters: [parameter('before', 'date')] }],
    ['a bound', { parameters: [parameter('before', 'timestamptz', { max: '2026-11-30T00:00:00Z' })] }],
    ['what is allowed', { parameters: [parameter('before', 'timestamptz', { allowed: [] })] }],
    ['a default', { parameters: [parameter('before', 'timestamptz', { required: false })] }],
    ['secrecy', { parameters: [parameter('before', 'timestamptz', { secret: true })] }],
    ['access', { access: 'observe' }],
    ['class', { class: 'idempotent' }],
    ['lock mode', { lockMode: null }],
  ])('changes with %s', (_, change) => {
    expect(templateHash({ ...version, ...change })).not.toBe(templateHash(version));
  });
});
