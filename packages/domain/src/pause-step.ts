/** The reason of all that waits, or is left out, because of the target's load. */
export const loadReason = 'load';

const pattern = /^pause-([1-9]\d{0,8})$/;

/** The key of a task's n-th pause, from 1: a step of its own, that no plan knows of. */
export function pauseKey(number: number): string {
  return `pause-${number}`;
}

/** Which pause a step is; undefined for steps of the plan. Keys of plans never look like this: they name an object, or a part of the work. */
export function pauseNumberOf(key: string): number | undefined {
  const [, digits] = pattern.exec(key) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
