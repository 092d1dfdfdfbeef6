/** Digits with a point and an exponent at most: neither NaN nor infinity. */
const decimal =
  /^(?<sign>[+-]?)(?:(?<whole>\d+)(?:\.(?<part>\d*))?|\.(?<onlyPart>\d+))(?:[eE](?<exponent>[+-]?\d{1,3}))?$/;
const longest = 200;

/** True for a decimal number of 200 characters at most, its exponent of three digits at most. */
export function isDecimal(text: string): boolean {
  return text.length <= longest && decimal.test(text);
}

/** Compares exactly, as numeric does: below 0 when `a` is less than `b`. @throws RangeError for what is no decimal */
export function compareDecimals(a: string, b: string): number {
  const [left, right] = [read(a), read(b)];
  const scale = Math.max(left.scale, right.scale);
  const widened = ({ digits, scale: own }: Scaled): bigint => digits * 10n ** BigInt(scale - own);
  const [x, y] = [widened(left), widened(right)];
  return x < y ? -1 : Number(x > y);
}

/** `digits` divided by ten, `scale` times. */
interface Scaled {
  readonly digits: bigint;
  readonly scale: number;
}

function read(text: string): Scaled {
  const groups = isDecimal(text) ? decimal.exec(text)?.groups : undefined;
  if (groups === undefined) throw new RangeError(`expected a decimal number, got ${JSON.stringify(text)}`);
  const part = groups['part'] ?? groups['onlyPart'] ?? '';
  const digits = BigInt(`${groups['whole'] ?? ''}${part}`);
  return {
    digits: groups['sign'] === '-' ? -digits : digits,
    scale: part.length - Number(groups['exponent'] ?? 0),
  };
}
