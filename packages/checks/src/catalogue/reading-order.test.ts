import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readingOrder, type Turn } from './reading-order.ts';

const keysOf = (turns: readonly Turn[]) => readingOrder(turns).map(({ key }) => key);

describe('the reading order', () => {
  it('begins with what was never read, the worst suspect first', () => {
    const turns = [
      { key: 'healthy', lastReadAt: null, suspicion: 0 },
      { key: 'suspect', lastReadAt: null, suspicion: 5 },
      { key: 'read', lastReadAt: 9, suspicion: 0 },
    ];
    expect(keysOf(turns)).toEqual(['suspect', 'healthy', 'read']);
  });

  it('alternates between whoever waited longest and the worst suspect', () => {
    const turns = [
      { key: 'a', lastReadAt: 1, suspicion: 0 },
      { key: 'b', lastReadAt: 2, suspicion: 0 },
      { key: 'bad', lastReadAt: 8, suspicion: 5 },
      { key: 'worse', lastReadAt: 9, suspicion: 6 },
    ];
    expect(keysOf(turns)).toEqual(['a', 'worse', 'b', 'bad']);
  });

  it('gives everything its turn, however many suspects there are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 30 }), (suspicions) => {
        let turns = suspicions.map((suspicion, key): Turn => ({ key: `${key}`, lastReadAt: null, suspicion }));
        for (let run = 1; run <= suspicions.length; run += 1) {
          // A budget for one.
          const [first] = readingOrder(turns);
          turns = turns.map((turn) => (turn === first ? { ...turn, lastReadAt: run } : turn));
        }
        expect(turns.every(({ lastReadAt }) => lastReadAt !== null)).toBe(true);
        expect(readingOrder(turns)).toHaveLength(turns.length);
      }),
    );
  });
});
