import {
  type Answer,
  type Executor,
  type LookedAtTarget,
  type Plan,
  type Question,
  TargetError,
  type TargetGateway,
  type TargetReader,
} from '../ports/index.ts';
import { type LookDeps, lookContext } from '../task/look-context.ts';
import { noSession } from '../task/no-session.ts';
import { weighPlans } from './weigh-plans.ts';

export interface AnswerDeps extends LookDeps {
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
  target: LookedAtTarget,
  tasks: Extract<Question, { kind: 'plan' }>['tasks'],
): Promise<Answer> {
  const options = { applicationName: 'slacktide/plan' };
  const context = lookContext(deps, target, options);
  const none = noSession(options.applicationName);
  const isSessionless = (executor: Executor | undefined): boolean => executor?.taskType.sessionless === true;
  const planAll = async (reader: TargetReader): Promise<Answer> => {
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
      const facts = await executor.readFacts(isSessionless(executor) ? none : reader, config, context);
      if (facts.kind === 'refused') return { kind: 'refused', task: position, problems: facts.problems };
      plans.push(executor.plan(facts.facts, config));
    }
    return {
      kind: 'planned',
      plans: await weighPlans({ gateway: deps.gateway, memory: context.memory }, reader, plans),
    };
  };
  // What works on our own ledger is planned although the target is away.
  if (tasks.every(({ type }) => isSessionless(deps.executorOf(type)))) return await planAll(none);
  return await deps.gateway.read(target, options, planAll);
}
