/** Looks every `everyMs` (default 10) until `isSo`; returns how long it took in milliseconds. @throws Error after `limitMs`. */
export async function waitUntil(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { limitMs = 60_000, everyMs = 10 }: { readonly limitMs?: number; readonly everyMs?: number } = {},
): Promise<number> {
  const started = performance.now();
  while (!(await isSo())) {
    if (performance.now() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return performance.now() - started;
}
