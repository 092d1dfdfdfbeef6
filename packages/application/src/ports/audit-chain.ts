/** The audit log is sealed as hash chains, one a stream; each event belongs to the stream of its entity. */
export const auditStreams = ['configuration', 'access', 'work', 'health'] as const;
export type AuditStream = (typeof auditStreams)[number];

/** The end of a stream's chain. */
export interface AuditHead {
  readonly stream: AuditStream;
  /** How many events are sealed. */
  readonly seq: number;
  /** SHA-256, hex. */
  readonly hash: string;
  readonly sealedAt: Date;
}
