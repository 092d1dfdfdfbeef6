import fc from 'fast-check';
import { expect, it } from 'vitest';
import { queueOfTaskType, taskTypeOfQueue } from './queue-names.ts';

it('names a queue after its task type', () => {
  expect(queueOfTaskType('INDEX_REBUILD')).toBe('index-rebuild');
  expect(queueOfTaskType('CHECKPOINT')).toBe('checkpoint');
});

it('finds the task type of every queue it named', () => {
  const type = fc.stringMatching(/^[A-Z][A-Z0-9]{0,8}(_[A-Z0-9]{1,8}){0,3}$/);
  fc.assert(
    fc.property(type, (type) => {
      fc.pre(type !== 'TICKS' && type !== 'FINALISE');
      expect(taskTypeOfQueue(queueOfTaskType(type))).toBe(type);
    }),
  );
});

it.each(['', 'a', 'INDEX-REBUILD', 'INDEX:REBUILD', '_A', 'A__B', 'A_'])('refuses %j as a task type', (type) => {
  expect(() => queueOfTaskType(type)).toThrow('expected a task type like INDEX_REBUILD');
});

it('keeps its own queues', () => {
  expect(() => queueOfTaskType('TICKS')).toThrow('reserved');
  expect(() => queueOfTaskType('FINALISE')).toThrow('reserved');
  expect(taskTypeOfQueue('ticks')).toBeNull();
  expect(taskTypeOfQueue('finalise')).toBeNull();
  expect(taskTypeOfQueue('no:queue')).toBeNull();
});
