import { type Scope, scopes } from '../ports/index.ts';

/** True when one of `held` is `needed` or includes it: admin ⊃ write ⊃ read. */
export function allows(held: readonly Scope[], needed: Scope): boolean {
  // `scopes` lists them from the least to the most.
  return held.some((scope) => scopes.indexOf(scope) >= scopes.indexOf(needed));
}
