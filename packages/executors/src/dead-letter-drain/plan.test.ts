import type { StuckMessage } from '@slacktide/application/ports';
import { expect, it } from 'vitest';
import { planDrain } from './plan.ts';
import { taskType } from './schema.ts';

const message = (id: number, changes: Partial<StuckMessage> = {}): StuckMessage => ({
  id,
  subject: 'job:j',
  kind: 'flow.add',
  attempts: 12,
  error: 'no such queue',
  ageSeconds: 400,
  isDue: false,
  need: 'needed',
  ...changes,
});
const plan = (messages: StuckMessage[], config: object = {}, stuck = messages.length) =>
  planDrain({ messages, stuck }, taskType.config.parse(config));

it('tries again what failed, and leaves what is due already', () => {
  const made = plan([message(1), message(2, { isDue: true }), message(3, { need: 'job_over' })]);
  expect(made.steps).toMatchObject([
    {
      key: 'outbox/1',
      object: { kind: 'record' },
      statements: ['try outbox message 1: flow.add of job:j again now'],
      data: { message_id: 1, attempts: 12, error: 'no such queue' },
    },
    { key: 'outbox/3', statements: ['try outbox message 3: flow.add of job:j again now'] },
  ]);
  expect(made.skipped).toEqual([{ object: 'outbox message 2: flow.add of job:j', reason: 'due_already' }]);
  expect(made.checked).toBe(3);
});

it('archives what nobody needs, and only that', () => {
  const made = plan(
    [message(1), message(2, { need: 'job_over', isDue: true }), message(3, { need: 'generation_stale' })],
    { policy: 'archive' },
  );
  expect(made.steps.map(({ statements }) => statements)).toEqual([
    ['try outbox message 1: flow.add of job:j again now'],
    ['archive outbox message 2: flow.add of job:j, because job_over'],
    ['archive outbox message 3: flow.add of job:j, because generation_stale'],
  ]);
});

it('does not judge what another release wrote', () => {
  const made = plan([message(1, { kind: 'flow.move', need: 'unknown_kind' })], { policy: 'archive' });
  expect(made).toMatchObject({
    steps: [],
    unknown: [{ object: 'outbox message 1: flow.move of job:j', reason: 'unknown_kind', grant: null }],
  });
});

it('tells of those it did not take on', () => {
  expect(plan([message(1)], {}, 5)).toMatchObject({
    checked: 5,
    skipped: [{ object: 'outbox', reason: 'over_max_messages: 4 messages' }],
  });
});
