/**
 * What the steps of one run of a task share: they are all given the very same configuration object. For executors that start over after a cut, since
 * nothing of it outlives the run.
 */
export function sharedInRun<T>(begin: () => T): (run: { readonly config: object }) => T {
  const begun = new WeakMap<object, T>();
  return ({ config }) => {
    const known = begun.get(config) ?? begin();
    begun.set(config, known);
    return known;
  };
}
