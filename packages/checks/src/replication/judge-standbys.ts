import type { JsonObject, Severity } from '@slacktide/domain';
import { severities } from '@slacktide/domain';
import { byteText } from '../catalogue/byte-text.ts';
import { describeAge } from '../catalogue/sessions.ts';
import type { ExpectedStandby, ReplicationFacts, StandbyFacts } from './facts.ts';
import { bytesPerMb, fine, found, joinParts, notKnown, type Part } from './part.ts';
import type { ReplicationConfig } from './schema.ts';

/** Where the server is a standby itself, this is what it is called. */
export const itselfName = 'this server';

/** Judges standbys as they see themselves: those registered with the server, and the server where it is one. */
export function judgeStandbys(
  { server, itself, standbys }: Pick<ReplicationFacts, 'server' | 'itself' | 'standbys'>,
  conflictsBefore: ReadonlyMap<string, number>,
  config: ReplicationConfig,
): Part {
  const own: ExpectedStandby[] = itself === null ? [] : [{ name: itselfName, facts: itself, unreachable: null }];
  const judge = ({ name, facts, unreachable }: ExpectedStandby, primary: Primary | null): Part => {
    if (facts === null) return notKnown(`standby ${name}`, unreachable ?? 'unreachable', null);
    const conflicts = newConflicts(facts, conflictsBefore.get(name));
    return judgeStandby(name, facts, problemsOf(facts, { primary, conflicts, config }), conflicts, primary);
  };
  return joinParts([...own.map((each) => judge(each, null)), ...standbys.map((each) => judge(each, server))]);
}

/** What a standby is compared with; where that is a standby too, its timeline is not known. */
type Primary = Pick<ReplicationFacts['server'], 'serverVersion' | 'systemIdentifier' | 'timeline' | 'walPosition'>;

interface Problem {
  readonly kind: string;
  readonly severity: Severity;
  readonly text: string;
}

function judgeStandby(
  name: string,
  facts: StandbyFacts,
  problems: readonly Problem[],
  conflicts: number,
  primary: Primary | null,
): Part {
  const object = `standby ${name}`;
  if (problems.length === 0) {
    return facts.receiverHidden ? notKnown(object, 'insufficient_privilege', facts.readStatsGrant) : fine;
  }
  const severity = problems.reduce<Severity>(
    (worst, problem) => (severities.indexOf(problem.severity) > severities.indexOf(worst) ? problem.severity : worst),
    'info',
  );
  return found('standby', object, {
    severity,
    summary: `Standby ${name} ${problems.map(({ text }) => text).join(', ')}`,
    why: 'a standby has to be put right on its own server',
    evidence: { ...evidenceOf(facts, problems, primary), new_conflicts: conflicts },
  });
}

function evidenceOf(facts: StandbyFacts, problems: readonly Problem[], primary: Primary | null): JsonObject {
  return {
    problems: problems.map(({ kind }) => kind),
    system_identifier: facts.systemIdentifier,
    server_version: facts.serverVersion,
    expected_server_version: primary?.serverVersion ?? null,
    in_recovery: facts.inRecovery,
    receiver_status: facts.receiverHidden ? 'hidden' : facts.receiverStatus,
    sender_host: facts.senderHost,
    timeline: facts.receivedTimeline,
    expected_timeline: primary?.timeline ?? null,
    lag_bytes: lagBytesOf(facts, primary),
    lag_seconds: Math.floor(lagSecondsOf(facts, primary)),
    replay_state: facts.pauseState,
    hot_standby_feedback: facts.hotStandbyFeedback,
  };
}

/** What there is to say of a standby, well or not; `primary` is what it copies. */
export function standbyFigures(facts: StandbyFacts, primary: Primary, config: ReplicationConfig): JsonObject {
  const problems = problemsOf(facts, { primary, conflicts: 0, config });
  return { ...evidenceOf(facts, problems, primary), conflicts: facts.conflicts };
}

interface Comparison {
  readonly primary: Primary | null;
  readonly conflicts: number;
  readonly config: ReplicationConfig;
}

function problemsOf(facts: StandbyFacts, { primary, conflicts, config }: Comparison): Problem[] {
  if (primary !== null && facts.systemIdentifier !== primary.systemIdentifier) {
    return [{ kind: 'other_cluster', severity: 'critical', text: 'is another cluster, not a copy of this one' }];
  }
  if (!facts.inRecovery) {
    return [{ kind: 'not_a_standby', severity: 'critical', text: 'is not in recovery: it takes writes of its own' }];
  }
  const problems: Problem[] = [];
  const { receiverStatus, receivedTimeline, receiverHidden } = facts;
  const isStreaming = receiverStatus === 'streaming';
  if (!isStreaming && !receiverHidden && !facts.restoresFromArchive) {
    const text = receiverStatus === null ? 'receives nothing' : `does not stream (${receiverStatus})`;
    problems.push({ kind: 'not_streaming', severity: 'critical', text });
  }
  const expected = primary?.timeline ?? null;
  if (isStreaming && receivedTimeline !== null && expected !== null && receivedTimeline !== expected) {
    const text = `follows timeline ${receivedTimeline}, not ${expected}`;
    problems.push({ kind: 'other_timeline', severity: 'critical', text });
  }
  if (facts.pauseState !== null && facts.pauseState !== 'not paused') {
    problems.push({ kind: 'paused', severity: 'warning', text: 'has its replay paused' });
  }
  const bytes = lagBytesOf(facts, primary) ?? 0;
  const seconds = lagSecondsOf(facts, primary);
  if (bytes > config.max_lag_mb * bytesPerMb || seconds > config.max_lag_seconds) {
    const text = `lacks ${byteText(bytes)} of WAL and is ${describeAge(seconds)} behind`;
    problems.push({ kind: 'behind', severity: 'warning', text });
  }
  if (conflicts > 0) {
    const text = `cancelled ${conflicts} ${conflicts === 1 ? 'query' : 'queries'} for the sake of replay since the last look`;
    problems.push({ kind: 'conflicts', severity: 'warning', text });
  }
  if (primary !== null && facts.serverVersion !== primary.serverVersion) {
    problems.push({ kind: 'other_version', severity: 'info', text: `runs another release (${facts.serverVersion})` });
  }
  return problems;
}

/** What was not replayed of the WAL there is; null = not known. */
export function lagBytesOf(facts: StandbyFacts, primary: Primary | null): number | null {
  const end = primary === null ? facts.receivePosition : primary.walPosition;
  if (!facts.inRecovery || end === null || facts.replayPosition === null) return null;
  return Math.max(0, end - facts.replayPosition);
}

/** The last commit that was replayed says how old the standby is only where it has something left to replay: primaries may be idle. */
function lagSecondsOf(facts: StandbyFacts, primary: Primary | null): number {
  const hasAllItGot = facts.receiverStatus === 'streaming' && facts.receivePosition === facts.replayPosition;
  if (!facts.inRecovery || hasAllItGot || lagBytesOf(facts, primary) === 0) return 0;
  return facts.replayedSeconds ?? 0;
}

/** Nothing is new at the first look; a counter that fell was reset. */
function newConflicts({ conflicts }: StandbyFacts, before: number | undefined): number {
  if (before === undefined) return 0;
  return conflicts >= before ? conflicts - before : conflicts;
}
