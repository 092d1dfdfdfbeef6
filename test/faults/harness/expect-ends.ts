import type { JobEnd } from './rig.ts';

/** @throws Error that shows the jobs whose end is none of `allowed(job)`. */
export function expectEnds(jobs: readonly JobEnd[], allowed: (job: JobEnd) => readonly string[]): void {
  const wrong = jobs.filter((job) => !allowed(job).includes(job.state));
  if (wrong.length === 0) return;
  const told = wrong.slice(0, 5).map((job) => `expected ${allowed(job).join(' or ')}, got ${JSON.stringify(job)}`);
  throw new Error(`${wrong.length} jobs ended as they must not:\n${told.join('\n')}`);
}
