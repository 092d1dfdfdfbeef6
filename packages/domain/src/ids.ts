const layout = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Largest instant a UUIDv7 holds: 48 bits of milliseconds, in the year 10889. */
const maxInstantMs = 2 ** 48 - 1;

/**
 * A UUIDv7 (RFC 9562) for the instant `at`, in milliseconds; lower case. The first 10 bytes of `random` fill the rest, less 6 fixed bits:
 * the same instant and bytes give the same id, so an id can be made of a hash.
 * @throws RangeError for fewer than 10 bytes, or an instant before 1970 or not valid.
 */
export function timeOrderedId(at: Date, random: Uint8Array): string {
  const instantMs = at.getTime();
  if (!(instantMs >= 0 && instantMs <= maxInstantMs)) {
    throw new RangeError(`expected an instant from 1970 on, got ${instantMs}`);
  }
  if (random.length < 10) throw new RangeError(`expected at least 10 random bytes, got ${random.length}`);

  const rest = Uint8Array.from(random.subarray(0, 10));
  rest[0] = 0x70 | ((rest[0] ?? 0) & 0x0f);
  rest[2] = 0x80 | ((rest[2] ?? 0) & 0x3f);
  const hex =
    instantMs.toString(16).padStart(12, '0') + Array.from(rest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** True for a UUIDv7 as `timeOrderedId` writes it: lower case, with hyphens. */
export function isTimeOrderedId(id: string): boolean {
  return layout.test(id);
}

/** The instant an id carries, to the millisecond. @throws RangeError for anything but a UUIDv7. */
export function instantOfId(id: string): Date {
  if (!isTimeOrderedId(id)) throw new RangeError(`expected a UUIDv7, got ${JSON.stringify(id)}`);
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}
