import { describe, expect, it } from 'vitest';
import { createSteering } from '../../../src/worker-client/steering.ts';

/** A run's steering, and what was told so far. */
function steered() {
  const told: string[] = [];
  const steering = createSteering(async (what) => void told.push(what));
  return { told, ...steering };
}

describe('what is asked of a run', () => {
  it('is told at once while its worker lives', async () => {
    const { told, pause, goOn, cancel, stepped } = steered();
    await pause();
    await goOn();
    await stepped(0);
    await cancel();
    await cancel();
    expect(told).toEqual(['pause', 'goOn', 'cancel', 'cancel']);
  });

  it('stays a pause for the worker that takes the run over', async () => {
    const { told, pause, lost, resumed, stepped } = steered();
    await stepped(0);
    await pause();
    lost();
    await resumed();
    expect(told).toEqual(['pause', 'pause']);
  });

  it.each([['before'], ['after']])('stays a cancel, told with the steps that were taken: asked %s the worker died', async (when) => {
    const { told, cancel, lost, resumed, stepped } = steered();
    await stepped(0);
    await stepped(1);
    if (when === 'before') await cancel();
    lost();
    if (when === 'after') await cancel();
    await resumed();
    told.splice(0);
    await stepped(0);
    expect(told).toEqual([]);
    await stepped(1);
    await stepped(2);
    expect(told).toEqual(['cancel']);
  });

  it('lets a paused run come to its steps to be ended with them', async () => {
    const { told, pause, cancel, lost, resumed, stepped } = steered();
    await stepped(0);
    await pause();
    lost();
    await resumed();
    told.splice(0);
    await cancel();
    await stepped(0);
    expect(told).toEqual(['goOn', 'cancel']);
  });

  it('is a cancel at once where no step was taken, or where it was asked twice', async () => {
    const early = steered();
    early.lost();
    await early.cancel();
    early.told.splice(0);
    await early.resumed();
    expect(early.told).toEqual(['cancel']);

    const twice = steered();
    await twice.stepped(0);
    twice.lost();
    await twice.resumed();
    await twice.cancel();
    twice.told.splice(0);
    await twice.cancel();
    expect(twice.told).toEqual(['cancel', 'cancel']);
  });
});
