import type { Evidence, Invariant } from './evidence.ts';

/**
 * I3, of the witness tasks: no step has more effects than attempts; one that must never be done again was begun once, by the
 * target's own log; what the ledger calls done was done, and what it calls rolled back is gone.
 */
export const effectsMatchAttempts: Invariant = async (evidence) => {
  const { acts, jobs, rig } = evidence;
  const effects = await readEffects(evidence);
  const violations: string[] = [];
  for (const task of jobs.flatMap((job) => job.tasks)) {
    if (!['WITNESS', 'WITNESS_ONCE', 'WITNESS_UNDO'].includes(task.type)) continue;
    const begun = acts.filter(
      (act) => act.taskId === task.id && act.statement.startsWith('INSERT INTO witness.effects'),
    );
    const had = effects.filter((effect) => effect.taskId === task.id);
    const name = `task ${task.id} (${task.type}, ${task.state})`;
    for (const step of new Set(had.map((effect) => effect.step))) {
      const count = had.filter((effect) => effect.step === step).length;
      const tries = begun.filter((act) => act.statement.includes(`'${step}'`));
      if (count > tries.length) violations.push(`${name}: ${count} effects of ${step}, begun ${tries.length} times`);
      const mayOnce = task.type === 'WITNESS_ONCE' && !rig.retriedByOperator.has(task.id);
      if (mayOnce && (count > 1 || tries.length > 1)) {
        violations.push(`${name}: ${step} must never be done again, begun ${tries.length} times with ${count} effects`);
      }
      if (new Set(tries.map(({ session }) => session)).size < tries.length) {
        violations.push(`${name}: ${step} was begun twice in one session`);
      }
    }
    if (rig.resolvedByOperator.has(task.id)) continue;
    if (task.state === 'SUCCEEDED' && had.length === 0) violations.push(`${name} had no effect`);
    if (task.state === 'ROLLED_BACK' && had.length > 0) violations.push(`${name} still has ${had.length} effects`);
    if (['PENDING', 'SKIPPED'].includes(task.state) && had.length > 0 && task.reason !== 'outside_window') {
      violations.push(`${name} has ${had.length} effects`);
    }
  }
  for (const { applicationName, taskId, targetId } of effects) {
    if (taskId === undefined) violations.push(`${targetId}: an effect of ${applicationName}, which no task was given`);
  }
  return violations;
};

async function readEffects({ rig, acts }: Evidence) {
  const taskOf = new Map(acts.map((act) => [`${act.targetId} ${act.applicationName}`, act.taskId]));
  const perTarget = await Promise.all(
    rig.targets.map(async ({ id: targetId, sql }) => {
      const { rows } = await sql.query<{ applicationName: string; step: string }>(
        'SELECT application_name AS "applicationName", step FROM witness.effects ORDER BY id',
      );
      return rows.map((row) => ({ ...row, targetId, taskId: taskOf.get(`${targetId} ${row.applicationName}`) }));
    }),
  );
  return perTarget.flat();
}
