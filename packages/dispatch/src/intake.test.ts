import { describe, expect, it, vi } from 'vitest';
import { Intake } from './intake.ts';

function setup() {
  const consumers = { pause: vi.fn(), resume: vi.fn() };
  const onChange = vi.fn();
  return { consumers, onChange, intake: new Intake(consumers, onChange) };
}

describe('Intake', () => {
  it('closes with a complaint, opens when it is cured, and tells each change once', () => {
    const { consumers, onChange, intake } = setup();
    intake.heed(undefined);
    expect(intake.closedBecause).toBeUndefined();
    intake.heed('clock 3 s off');
    intake.heed('clock 4 s off');
    expect(intake.closedBecause).toBe('clock 4 s off');
    expect(consumers.pause).toHaveBeenCalledTimes(1);
    intake.heed(undefined);
    intake.heed(undefined);
    expect(consumers.resume).toHaveBeenCalledTimes(1);
    expect(onChange.mock.calls).toEqual([['clock 3 s off'], [undefined]]);
  });

  it('stays closed once it drains', () => {
    const { consumers, intake } = setup();
    intake.heed('clock 3 s off');
    intake.drain();
    intake.heed(undefined);
    expect(intake.closedBecause).toBe('draining');
    expect(consumers.resume).not.toHaveBeenCalled();
  });
});
