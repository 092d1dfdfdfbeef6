/** Figures by name. */
export type Figures = Readonly<Record<string, number>>;
/** Figures in the order of names kept elsewhere; null where there is none. */
export type Packed = readonly (number | null)[];

/** The names that arrays of figures stand in the order of: those known before, then what is new. None ever goes: older arrays are read by them. */
export function extendNames(known: readonly string[], figures: Figures): readonly string[] {
  const added = Object.keys(figures).filter((name) => !known.includes(name));
  return added.length === 0 ? known : [...known, ...added];
}

export function packFigures(names: readonly string[], figures: Figures): Packed {
  return names.map((name) => figures[name] ?? null);
}

export function unpackFigures(names: readonly string[], values: Packed): Figures {
  const figures: Record<string, number> = {};
  for (const [position, name] of names.entries()) {
    const value = values[position] ?? null;
    if (value !== null) figures[name] = value;
  }
  return figures;
}

export function areSame(one: Packed, other: Packed): boolean {
  return one.length === other.length && one.every((value, position) => value === other[position]);
}

/** As PostgreSQL reads a float8[] from text: several times as fast as from JSON. */
export function arrayText(values: Packed): string {
  return `{${values.map((value) => value ?? 'NULL').join()}}`;
}
