import { Job, type StartedJobs } from '@slacktide/contract';
import { isTerminal } from '@slacktide/domain';
import { expect } from 'vitest';

/** A client of the REST API that fails a test on any other status than the expected one. */
export class Api {
  readonly #base: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#base = url;
    this.#key = key;
  }

  async get<T>(path: string): Promise<T> {
    return await this.#send('GET', path, undefined, 200);
  }

  async post<T>(path: string, body: unknown, status: number, headers: Record<string, string> = {}): Promise<T> {
    return await this.#send('POST', path, body, status, headers);
  }

  /** Runs a schedule now; returns the id of its first job. */
  async run(scheduleId: string, headers: Record<string, string> = {}): Promise<string> {
    const started = await this.post<StartedJobs>(`/schedules/${scheduleId}/run`, undefined, 202, headers);
    const [job] = started.jobs;
    if (job === undefined) throw new Error('no job was started');
    return job.id;
  }

  async job(id: string): Promise<Job> {
    return Job.parse(await this.get(`/jobs/${id}`));
  }

  /** Watches a job until `until` holds; by default until it is over. */
  async watch(
    id: string,
    until: (job: Job) => boolean = (job) => isTerminal(job.state),
    limitMs = 60_000,
  ): Promise<Job> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const job = await this.job(id);
      if (until(job)) return job;
      if (performance.now() > deadline) throw new Error(`the job did not get there: ${JSON.stringify(job, null, 2)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #send<T>(
    method: string,
    path: string,
    body: unknown,
    status: number,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await fetch(`${this.#base}${path.startsWith('/api') ? '' : '/api/v1/maintenance'}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    expect(response.status, `${method} ${path}: ${text}`).toBe(status);
    return JSON.parse(text) as T;
  }
}
