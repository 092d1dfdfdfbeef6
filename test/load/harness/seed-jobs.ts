import type postgres from 'postgres';

export interface SeededJobs {
  readonly rows: number;
  /** The days that the rows are spread over, back from today. */
  readonly days: number;
  readonly schedules: number;
}

/** Writes ended jobs of one task each, evenly over days and schedules; one in a hundred FAILED. About 20 000 a second. */
export async function seedJobs(sql: postgres.Sql, { rows, days, schedules }: SeededJobs): Promise<void> {
  const [{ from }] = await sql<
    [{ from: Date }]
  >`SELECT date_trunc('day', now()) - make_interval(days => ${days}) AS from`;
  await sql`SELECT ensure_history_day(${from}::timestamptz + make_interval(days => day)) FROM generate_series(0, ${days}) day`;
  const spacingMs = (days * 86_400_000) / rows;
  const batch = 100_000;
  for (let first = 0; first < rows; first += batch) {
    const last = Math.min(rows, first + batch) - 1;
    await sql`
      WITH numbered AS (
        SELECT n, date_trunc('milliseconds', ${from}::timestamptz + n * make_interval(secs => ${spacingMs / 1000}::float8)) AS at
        FROM generate_series(${first}::int, ${last}::int) n
      ), named AS (
        SELECT n, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' AS head, md5(n::text) AS hash
        FROM numbered
      ), made AS (
        INSERT INTO jobs (id, scheduled_for, schedule_id, target_id, trigger, state, started_at, finished_at, halt_on_task_failure,
          generation, halted, trace_id, traceparent, requested_by)
        SELECT (head || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid, at, 's' || n % ${schedules}, 't' || n % ${schedules},
          'manual', CASE WHEN n % 100 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END, at, at + interval '9 seconds', true, 1, false, hash,
          '00-' || hash || '-' || left(hash, 16) || '-00', 'load'
        FROM named RETURNING id, scheduled_for, state
      )
      INSERT INTO tasks (id, scheduled_for, job_id, key, type, position, config, needs, state, attempt, error, started_at, finished_at)
      SELECT (left(id::text, 15) || md5(id::text)::varchar(3) || '-8' || substr(md5(id::text), 4, 3) || '-' || substr(md5(id::text), 7, 12))::uuid,
        scheduled_for, id, 'checkpoint', 'CHECKPOINT', 0, '{}', '[]', state, 1,
        CASE state WHEN 'FAILED' THEN '{"code":"load","message":"load"}'::jsonb END, scheduled_for, scheduled_for + interval '9 seconds'
      FROM made`;
  }
  await sql`VACUUM (ANALYZE) jobs`;
  await sql`VACUUM (ANALYZE) tasks`;
}
