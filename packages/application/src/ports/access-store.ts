/** What a key may do. `admin` includes `write`, `write` includes `read`. */
export const scopes = ['maintenance:read', 'maintenance:write', 'maintenance:admin'] as const;
export type Scope = (typeof scopes)[number];

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret part, hex. */
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface ApiKeys {
  find(id: string): Promise<ApiKey | undefined>;
  insert(key: ApiKey): Promise<void>;
  /** Remembers the use, at most once a minute per key. */
  touch(id: string): Promise<void>;
}
