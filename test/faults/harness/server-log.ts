/** A statement as the target's server saw it: the witness, which knows nothing of our code. */
export interface WitnessedStatement {
  readonly database: string;
  readonly session: string;
  readonly user: string;
  readonly applicationName: string;
  readonly statement: string;
  readonly beganAtMs: number;
  /** Infinity = it is still running. */
  readonly endedAtMs: number;
  /** `done`, or why not: the server's words. */
  readonly end: string;
}

/** Settings that make a server (15 or later) log begin and end of every statement as JSON to `log/witness.json` in its data directory. */
export const witnessSettings = {
  logging_collector: 'on',
  log_destination: 'jsonlog',
  log_directory: 'log',
  log_filename: 'witness',
  log_file_mode: '0644',
  log_rotation_age: '0',
  log_rotation_size: '0',
  log_statement: 'all',
  log_duration: 'on',
  log_disconnections: 'on',
  log_timezone: 'UTC',
};
export const witnessFile = 'log/witness.json';

interface LogLine {
  readonly timestamp: string;
  readonly user?: string;
  readonly dbname?: string;
  readonly session_id: string;
  readonly error_severity?: string;
  readonly message?: string;
  readonly application_name?: string;
  readonly backend_type?: string;
}

/**
 * Reads statements out of the log, in the order they began. A statement ends with the first `duration:`, with an error, with
 * its session, or, when the server crashed, at its next start.
 */
export function readServerLog(text: string): readonly WitnessedStatement[] {
  const open = new Map<string, Omit<WitnessedStatement, 'endedAtMs' | 'end'>>();
  const ended: WitnessedStatement[] = [];
  const end = (session: string, atMs: number, how: string): void => {
    const statement = open.get(session);
    if (statement === undefined) return;
    open.delete(session);
    ended.push({ ...statement, endedAtMs: atMs, end: how });
  };
  for (const line of linesOf(text)) {
    const atMs = Date.parse(line.timestamp.replace(' UTC', 'Z').replace(' ', 'T'));
    const message = line.message ?? '';
    if (line.backend_type === 'postmaster' && message.startsWith('starting PostgreSQL')) {
      for (const session of [...open.keys()]) end(session, atMs, 'server crashed');
      continue;
    }
    const begun = /^(?:execute [^:]*|statement): ([\s\S]*)$/.exec(message);
    if (begun !== null) {
      end(line.session_id, atMs, 'done');
      open.set(line.session_id, {
        database: line.dbname ?? '',
        session: line.session_id,
        user: line.user ?? '',
        applicationName: line.application_name ?? '',
        statement: begun[1] ?? '',
        beganAtMs: atMs,
      });
    } else if (message.startsWith('duration:')) end(line.session_id, atMs, 'done');
    else if (message.startsWith('disconnection:')) end(line.session_id, atMs, 'session ended');
    else if (['ERROR', 'FATAL', 'PANIC'].includes(line.error_severity ?? '')) end(line.session_id, atMs, message);
  }
  const running = [...open.values()].map((statement) => ({ ...statement, endedAtMs: Infinity, end: 'running' }));
  return [...ended, ...running].sort((a, b) => a.beganAtMs - b.beganAtMs);
}

const changing =
  /^(?:INSERT|UPDATE|DELETE|MERGE|REINDEX|VACUUM|ANALYZE|CHECKPOINT|CREATE|DROP|ALTER|TRUNCATE|CLUSTER|COPY|CALL|DO|LOCK)\b/i;

const changingWithin = /\b(?:INSERT INTO|UPDATE\s[^()]*?\sSET|DELETE FROM|MERGE INTO)\b/i;

/** True for what must have the target for itself: anything that changes it. */
export function isActing({ statement }: Pick<WitnessedStatement, 'statement'>): boolean {
  const text = statement.replace(/^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, '');
  if (changing.test(text)) return true;
  // Rights and comments may be called by the same words.
  return /^WITH\b/i.test(text) && changingWithin.test(text.replace(/'(?:[^']|'')*'/g, "''"));
}

/** The last line may be half written. */
function linesOf(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}
