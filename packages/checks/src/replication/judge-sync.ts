import type { Sender, ServerFacts } from './facts.ts';
import { fine, found, nothing, notKnown, type Part } from './part.ts';
import { isNamed, parseSyncNames } from './sync-names.ts';

const name = 'synchronous_standby_names';

/** With these a commit does not wait for a standby, whatever the names. */
const waitsForNobody = ['off', 'local'];

/** Judges whether the standbys that have to confirm commits are there: if too few are, every commit hangs for ever, without an error. */
export function judgeSync(senders: readonly Sender[], server: ServerFacts): Part {
  const asked = parseSyncNames(server.synchronousStandbyNames);
  if (asked === null || server.inRecovery) return nothing;
  if (senders.some(({ hidden }) => hidden)) return notKnown(name, 'insufficient_privilege', server.readStatsGrant);
  const connected = senders
    .filter(({ state }) => state === 'streaming')
    .map(({ applicationName }) => applicationName ?? '');
  const candidates = connected.filter((application) => asked.names.some((each) => isNamed(application, each)));
  const missing = asked.names.filter((each) => !connected.some((application) => isNamed(application, each)));
  const hangs = candidates.length < asked.required;
  if (!hangs && missing.length === 0) return fine;
  const waits = !waitsForNobody.includes(server.synchronousCommit);
  const who = missing.map((each) => `"${each}"`).join(', ');
  const consequence = waits ? 'every commit waits for ever' : 'commits that ask for it wait for ever';
  return found('cluster', name, {
    severity: hangs && waits ? 'critical' : 'warning',
    summary: hangs
      ? `Of ${asked.required} synchronous standbys that have to confirm commits, ${candidates.length} can (missing: ${who || 'any'}): ${consequence}`
      : `Synchronous standbys are missing, though others confirm commits: ${who}`,
    why: 'taking a name away gives up the promise that a commit is on a standby too',
    evidence: {
      problems: [hangs ? 'commits_hang' : 'names_nobody'],
      setting: server.synchronousStandbyNames,
      synchronous_commit: server.synchronousCommit,
      required: asked.required,
      candidates,
      missing,
      commits_waiting: server.commitsWaiting,
    },
  });
}
