/** Kinds of databases and hosts that can be under care. */
export const targetKinds = ['postgres'] as const;
export type TargetKind = (typeof targetKinds)[number];

/** A database or host under care. `connection` never holds a password; `secretRef` names where it is kept. */
export interface Target {
  readonly id: string;
  readonly name: string;
  readonly kind: TargetKind;
  readonly connection: string;
  readonly secretRef: string | null;
  /** Connections of its standbys, which are looked at with the same secret; none holds a password. */
  readonly standbys: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Grows by one with every change; the ETag. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
