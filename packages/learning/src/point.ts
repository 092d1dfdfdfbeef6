/** A value at a moment; `day` in days since whatever. */
export interface Point {
  readonly day: number;
  readonly value: number;
}
