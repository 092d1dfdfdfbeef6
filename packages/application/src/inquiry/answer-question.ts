import {
  type Answer,
  type Executor,
  type Plan,
  type Question,
  type TargetAddress,
  TargetError,
  type TargetGateway,
} from '../ports/index.ts';

export interface AnswerDeps {
  readonly gateway: TargetGateway;
  readonly executorOf: (type: string) => Executor | undefined;
}

/** Answers a question about a target; a worker's duty, since only workers resolve secrets. Never changes the target. */
export async function answerQuestion(deps: AnswerDeps, question: Question): Promise<Answer> {
  try {
    switch (question.kind) {
      case 'inspect':
        return { kind: 'inspected', facts: await deps.gateway.inspect(question.target) };
      case 'plan':
        return await planTasks(deps, question.target, question.tasks);
    }
  } catch (error) {
    if (error instanceof TargetError) return { kind: 'target_failed', code: error.code, detail: error.message };
    throw error;
  }
}

async function planTasks(
  deps: AnswerDeps,
  target: TargetAddress,
  tasks: Extract<Question, { kind: 'plan' }>['tasks'],
): Promise<Answer> {
  return await deps.gateway.read(target, { applicationName: 'slacktide/plan' }, async (reader): Promise<Answer> => {
    const plans: Plan[] = [];
    for (const [position, task] of tasks.entries()) {
      const executor = deps.executorOf(task.type);
      if (executor === undefined) {
        return {
          kind: 'refused',
          task: position,
          problems: [{ pointer: '', code: 'task_type_not_served', detail: `no worker serves ${task.type}` }],
        };
      }
      const config = executor.taskType.config.parse(task.config);
      const facts = await executor.readFacts(reader, config);
      if (facts.kind === 'refused') return { kind: 'refused', task: position, problems: facts.problems };
      plans.push(executor.plan(facts.facts, config));
    }
    return { kind: 'planned', plans };
  });
}
