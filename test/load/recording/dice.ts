/** Dice that fall the same every time (Park and Miller's minimal standard): 0 to 1. */
export function loadedDice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
