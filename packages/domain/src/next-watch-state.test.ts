import { describe, expect, it } from 'vitest';
import { nextWatchState, type WatchLookFacts } from './next-watch-state.ts';

const facts: WatchLookFacts = {
  state: 'open',
  object: 'gone',
  verdict: { verdict: 'fine', isDrastic: false },
  wasWorse: false,
  wasKnown: false,
  isOver: false,
};
const worse = { verdict: 'worse', isDrastic: false } as const;
const unknown = { verdict: 'unknown', isDrastic: false } as const;

describe('nextWatchState', () => {
  it.each<[string, Partial<WatchLookFacts>, string]>([
    ['goes on', {}, 'open'],
    ['begins when the first look finds the index gone', { state: 'prepared' }, 'open'],
    ['is void when the index was not dropped', { state: 'prepared', object: 'still_there' }, 'void'],
    ['ends when somebody made the index again', { object: 'there_again' }, 'ended'],
    ['waits for a second look before it says worse', { verdict: worse }, 'open'],
    ['says worse when two looks in a row do', { verdict: worse, wasWorse: true }, 'worse'],
    ['says worse at once when it is drastic', { verdict: { verdict: 'worse', isDrastic: true } }, 'worse'],
    ['says worse when there will be no second look', { verdict: worse, isOver: true }, 'worse'],
    ['passes when its time is over', { isOver: true }, 'passed'],
    ['passes on what earlier looks knew', { isOver: true, verdict: unknown, wasKnown: true }, 'passed'],
    ['does not pass on nothing', { isOver: true, verdict: unknown }, 'ended'],
    ['does not pass when nothing could be read', { isOver: true, verdict: undefined }, 'ended'],
    ['stays rolled back', { state: 'rolled_back', verdict: worse, wasWorse: true }, 'rolled_back'],
    ['stays passed', { state: 'passed', object: 'there_again' }, 'passed'],
  ])('%s', (_what, changed, state) => expect(nextWatchState({ ...facts, ...changed })).toBe(state));
});
