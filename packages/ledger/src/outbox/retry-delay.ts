/** Seconds until a row is tried again after its `attempts`th failure: 1, 2, 4, … and 60 from the seventh on. */
export function retryDelaySeconds(attempts: number): number {
  return Math.min(2 ** (attempts - 1), 60);
}
