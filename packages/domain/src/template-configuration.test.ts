import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TemplateParameter } from './custom-template.ts';
import { checkTemplateParameters, readTemplateValues, withDefaultLength } from './template-configuration.ts';
import { readTemplateValue } from './template-values.ts';

function parameter(type: TemplateParameter['type'], changes: Partial<TemplateParameter> = {}): TemplateParameter {
  const none = { default: null, secret: false, maxLength: null, min: null, max: null, allowed: null };
  return { name: 'p', type, required: true, ...none, ...changes };
}

describe('readTemplateValue', () => {
  it.each<[TemplateParameter['type'], unknown, string]>([
    ['int8', 7, '7'],
    ['int8', '+007', '7'],
    ['int8', '-9223372036854775808', '-9223372036854775808'],
    ['int8', '9223372036854775807', '9223372036854775807'],
    ['numeric', 0.5, '0.5'],
    ['numeric', '12345678901234567890.123', '12345678901234567890.123'],
    ['text', "'; DROP TABLE x; --", "'; DROP TABLE x; --"],
    ['text', '', ''],
    ['boolean', false, 'false'],
    ['timestamptz', '2026-11-30T02:00:00Z', '2026-11-30T02:00:00Z'],
    ['timestamptz', '2026-11-30T02:00-05:30', '2026-11-30T02:00-05:30'],
    ['timestamptz', '2024-02-29T23:59:59.123456+14:00', '2024-02-29T23:59:59.123456+14:00'],
    ['date', '2024-02-29', '2024-02-29'],
    ['uuid', '01A2013A-7CCE-7c3f-87e0-7dfe651239cd', '01a2013a-7cce-7c3f-87e0-7dfe651239cd'],
    ['relation', 'public."Order; Items"', 'public."Order; Items"'],
    ['schema', 'public', 'public'],
  ])('reads %s %j', (type, value, text) => {
    expect(readTemplateValue(parameter(type), value)).toEqual({ kind: 'text', text });
  });

  it.each<[TemplateParameter['type'], readonly unknown[]]>([
    [
      'int8',
      ['', '1.0', '1e3', 1.5, 2 ** 60, '9223372036854775808', '-9223372036854775809', ' 1', '1;', true, null, [1]],
    ],
    ['numeric', [Number.NaN, Number.POSITIVE_INFINITY, 'NaN', '1e9999', '0x1', '1 OR 1', true]],
    ['text', ['a\0b', '\ud800', 1, true, {}, ['a']]],
    ['boolean', ['true', 1, 0, null]],
    [
      'timestamptz',
      [
        'now',
        'infinity',
        '2026-11-30',
        '2026-11-30T02:00:00',
        '2026-02-29T00:00:00Z',
        '2026-11-31T00:00:00Z',
        '2026-11-30T24:00:00Z',
        '2026-11-30T02:00:60Z',
        '2026-11-30T02:00:00+15:00',
        '0000-01-01T00:00:00Z',
        '2026-11-30 02:00:00Z',
        "2026-11-30T02:00:00Z'",
        1_796_000_000,
      ],
    ],
    ['date', ['today', '2026-02-30', '2026-1-1', '2026-11-30T00:00:00Z', '0000-01-01', 20_261_130]],
    ['uuid', ['01a2013a7cce7c3f87e07dfe651239cd', '{01a2013a-7cce-7c3f-87e0-7dfe651239cd}', 'x']],
    ['relation', ['', 'a\0b', 1, 'x'.repeat(301)]],
    ['schema', ['', '\udfff', null]],
  ])('takes no other values for %s', (type, values) => {
    for (const value of values)
      expect(readTemplateValue(parameter(type), value).kind, JSON.stringify(value)).toBe('problem');
  });

  it('keeps to bounds, which are allowed themselves, exactly', () => {
    const within = (changes: Partial<TemplateParameter>, type: TemplateParameter['type'], value: unknown) =>
      readTemplateValue(parameter(type, changes), value).kind === 'text';
    expect([within({ min: 1 }, 'int8', 1), within({ min: 1 }, 'int8', 0)]).toEqual([true, false]);
    const most = { max: '9007199254740992' };
    expect([within(most, 'int8', '9007199254740992'), within(most, 'int8', '9007199254740993')]).toEqual([true, false]);
    expect([within({ max: 0.3 }, 'numeric', '0.30'), within({ max: 0.3 }, 'numeric', '0.30000001')]).toEqual([
      true,
      false,
    ]);
    const from = { min: '2026-01-01T00:00:00Z' };
    expect(within(from, 'timestamptz', '2026-01-01T01:00:00+01:00')).toBe(true);
    expect(within(from, 'timestamptz', '2026-01-01T00:59:59+01:00')).toBe(false);
    expect([
      within({ max: '2026-01-01' }, 'date', '2026-01-01'),
      within({ max: '2026-01-01' }, 'date', '2026-01-02'),
    ]).toEqual([true, false]);
    expect([within({ maxLength: 2 }, 'text', '😀😀'), within({ maxLength: 2 }, 'text', 'abc')]).toEqual([true, false]);
  });

  it('keeps to what is allowed, by value and not by how it is written', () => {
    const allowed = (type: TemplateParameter['type'], list: readonly (string | number)[], value: unknown) =>
      readTemplateValue(parameter(type, { allowed: list }), value).kind === 'text';
    expect([allowed('numeric', [1], '1.00'), allowed('numeric', [1], '1.01')]).toEqual([true, false]);
    expect(allowed('timestamptz', ['2026-01-01T00:00:00Z'], '2026-01-01T02:00:00+02:00')).toBe(true);
    expect([allowed('text', ['a'], 'a'), allowed('text', ['a'], 'A')]).toEqual([true, false]);
    expect(allowed('text', [], 'a')).toBe(false);
  });

  it('gives of typed values nothing but what the type can be, whatever comes in', () => {
    const forms = {
      int8: /^-?\d{1,19}$/,
      numeric: /^[+-]?[\d.]+(?:[eE][+-]?\d{1,3})?$/,
      boolean: /^(?:true|false)$/,
      timestamptz: /^[\dT:.+Z-]+$/,
      date: /^\d{4}-\d\d-\d\d$/,
      uuid: /^[0-9a-f-]{36}$/,
    } as const;
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(forms) as (keyof typeof forms)[])), fc.anything(), (type, value) => {
        const read = readTemplateValue(parameter(type), value);
        if (read.kind === 'text') expect(read.text).toMatch(forms[type]);
      }),
    );
  });
});

describe('readTemplateValues', () => {
  const parameters = [
    parameter('int8', { name: 'needed' }),
    parameter('text', { name: 'noted', required: false }),
    parameter('date', { name: 'day', required: false, default: '2026-01-01' }),
  ];

  it('fills in defaults, and NULL where there is none', () => {
    expect(readTemplateValues(parameters, { needed: 1 })).toEqual({
      kind: 'values',
      values: new Map([
        ['needed', '1'],
        ['noted', null],
        ['day', '2026-01-01'],
      ]),
    });
    expect(readTemplateValues(parameters, { needed: 1, noted: 'x', day: null })).toMatchObject({
      values: new Map([
        ['needed', '1'],
        ['noted', 'x'],
        ['day', '2026-01-01'],
      ]),
    });
  });

  it('tells everything that does not fit at once, with pointers', () => {
    expect(readTemplateValues(parameters, { day: 'x', 'a/b~c': 1 })).toMatchObject({
      kind: 'problems',
      problems: [
        { pointer: '/parameters/a~1b~0c', code: 'unknown_parameter' },
        { pointer: '/parameters/needed', code: 'required' },
        { pointer: '/parameters/day', code: 'invalid_value' },
      ],
    });
  });
});

describe('checkTemplateParameters', () => {
  it('has nothing against what makes sense', () => {
    const sensible = [
      parameter('text', { name: 'a', maxLength: 5, allowed: ['x', 'y'], required: false, default: 'x', secret: true }),
      parameter('int8', { name: 'b', min: 1, max: 1 }),
      parameter('timestamptz', { name: 'c', min: '2026-01-01T00:00:00Z' }),
      parameter('relation', { name: 'd', allowed: ['public.orders'] }),
      parameter('schema', { name: 'e', required: false, default: 'public' }),
    ];
    expect(checkTemplateParameters(sensible)).toEqual([]);
  });

  it.each<[Partial<TemplateParameter>, TemplateParameter['type'], string, string]>([
    [{ maxLength: 5 }, 'int8', 'max_length', 'not_applicable'],
    [{ min: 1 }, 'text', 'min', 'not_applicable'],
    [{ max: true }, 'boolean', 'max', 'not_applicable'],
    [{ min: 'x' }, 'int8', 'min', 'invalid_value'],
    [{ max: '2026-02-30' }, 'date', 'max', 'invalid_value'],
    [{ min: 2, max: 1 }, 'int8', 'max', 'empty_range'],
    [{ allowed: [1, 'x'] }, 'int8', 'allowed', 'invalid_value'],
    [{ min: 2, allowed: [1] }, 'int8', 'allowed', 'invalid_value'],
    [{ default: 1 }, 'int8', 'default', 'not_applicable'],
    [{ required: false, default: 'x' }, 'int8', 'default', 'invalid_value'],
    [{ required: false, default: 'c', allowed: ['a', 'b'] }, 'text', 'default', 'invalid_value'],
    [{ secret: true }, 'relation', 'secret', 'not_applicable'],
    [{ required: false }, 'schema', 'required', 'needed'],
  ])('refuses %j of %s', (changes, type, field, code) => {
    expect(checkTemplateParameters([parameter(type, changes)])).toMatchObject([
      { pointer: `/parameters/0/${field}`, code },
    ]);
  });

  it('refuses two of one name', () => {
    expect(checkTemplateParameters([parameter('int8'), parameter('text')])).toMatchObject([
      { pointer: '/parameters/1/name', code: 'taken' },
    ]);
  });
});

describe('withDefaultLength', () => {
  it('bounds texts that nobody bounded, and only texts', () => {
    expect(withDefaultLength(parameter('text')).maxLength).toBe(1_000);
    expect(withDefaultLength(parameter('text', { maxLength: 5 })).maxLength).toBe(5);
    expect(withDefaultLength(parameter('int8')).maxLength).toBeNull();
  });
});
