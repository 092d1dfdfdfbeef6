/** A connection that sends WAL. Fields our role may not see are null. */
export interface Sender {
  readonly pid: number;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly clientAddress: string | null;
  readonly hidden: boolean;
  /** `streaming`, `catchup`, `startup`, `backup`, `stopping`. */
  readonly state: string | null;
  readonly syncState: string | null;
  /** Feeds a slot of this kind; null = none. */
  readonly slotType: 'physical' | 'logical' | null;
  /** WAL that was not sent, not written to disk there, not replayed there; null = not told yet. */
  readonly sentLagBytes: number | null;
  readonly flushLagBytes: number | null;
  readonly replayLagBytes: number | null;
  /** As measured with the standby's last answers; null = it lacks nothing, or has not answered. */
  readonly replayLagSeconds: number | null;
  /** Since the standby's last message. */
  readonly silentSeconds: number | null;
}

export interface Slot {
  readonly name: string;
  readonly type: 'physical' | 'logical';
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  /** Kept in step with a slot of the primary (17): nobody reads it here. */
  readonly synced: boolean;
  /** WAL that cannot be removed because of it; null = it keeps none. */
  readonly retainedBytes: number | null;
  /** `reserved`, `extended`, `unreserved`, `lost`; null = it never kept any. */
  readonly walStatus: string | null;
  /** WAL until it may lose what it needs; null = no limit. */
  readonly safeWalBytes: number | null;
  /** A logical slot of a standby that lost rows it needs (16). */
  readonly conflicting: boolean;
  /** 17. */
  readonly invalidationReason: string | null;
  readonly inactiveSeconds: number | null;
  /** Would drop it; quoted. */
  readonly statement: string;
}

export interface Subscription {
  readonly name: string;
  readonly enabled: boolean;
  readonly slotName: string | null;
  /** Its worker that applies changes runs. */
  readonly workerRuns: boolean;
  /** Since its last message. */
  readonly silentSeconds: number | null;
  /** Tables that are not yet in step. */
  readonly tablesNotReady: number;
  /** Since the counters were reset; null = not counted before 15. */
  readonly errors: number | null;
}

/** The server under care. */
export interface ServerFacts {
  readonly serverVersion: number;
  readonly systemIdentifier: string;
  /** Null on a standby. */
  readonly timeline: number | null;
  readonly inRecovery: boolean;
  /** How far WAL is here, in bytes from its beginning. */
  readonly walPosition: number | null;
  readonly synchronousStandbyNames: string;
  /** As it is set for our session, which is the default of the server unless the role or database has its own. */
  readonly synchronousCommit: string;
  /** Sessions whose commit waits for a standby now. */
  readonly commitsWaiting: number;
  readonly readStatsGrant: string;
}

/** A standby as it sees itself. */
export interface StandbyFacts {
  readonly serverVersion: number;
  readonly systemIdentifier: string;
  readonly inRecovery: boolean;
  /** Our role may not see the receiver. */
  readonly receiverHidden: boolean;
  /** `streaming` and others; null = nothing receives. */
  readonly receiverStatus: string | null;
  readonly senderHost: string | null;
  readonly receivedTimeline: number | null;
  /** Bytes from the beginning of WAL. */
  readonly receivePosition: number | null;
  readonly replayPosition: number | null;
  /** `not paused`, `pause requested`, `paused`. */
  readonly pauseState: string | null;
  /** Since the last transaction that was replayed was committed; null = none was. */
  readonly replayedSeconds: number | null;
  readonly hotStandbyFeedback: boolean;
  readonly restoresFromArchive: boolean;
  /** Queries that were cancelled for the sake of replay, in the database of the session. */
  readonly conflicts: number;
  readonly readStatsGrant: string;
}

/** A standby that is registered with the server, or why it could not be looked at. */
export interface ExpectedStandby {
  readonly name: string;
  readonly facts: StandbyFacts | null;
  readonly unreachable: string | null;
}

export interface ReplicationFacts {
  readonly server: ServerFacts;
  /** The server itself, where it is a standby. */
  readonly itself: StandbyFacts | null;
  readonly senders: readonly Sender[];
  readonly slots: readonly Slot[];
  readonly subscriptions: readonly Subscription[];
  readonly standbys: readonly ExpectedStandby[];
}
