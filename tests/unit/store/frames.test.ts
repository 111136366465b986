import { describe, expect, it } from 'vitest';
import { createFrames } from '../../../src/store/frames.ts';
import { gradient } from '../../support/nano.ts';

const PICTURE = gradient(8, 8);
const BYTES = PICTURE.rgba8.byteLength;
const WHOLE = { height: 8, width: 8 };
const HALF = gradient(4, 8);

describe('the frame cache', () => {
  it('lets the picture go that was not used for longest, once there are too many bytes', () => {
    const frames = createFrames(2 * BYTES, () => []);
    frames.put('a', gradient(8, 8));
    frames.put('b', gradient(8, 8));
    frames.get('a');
    frames.put('c', gradient(8, 8));
    expect(['a', 'b', 'c'].filter((id) => frames.get(id) !== undefined)).toEqual(['a', 'c']);
    expect(frames.sizeBytes).toBe(2 * BYTES);
  });

  it('counts 16 bits too', () => {
    const frames = createFrames(2 * BYTES, () => []);
    frames.put('a', { ...PICTURE, rgba16: new Uint16Array(PICTURE.rgba8.length) });
    expect(frames.sizeBytes).toBe(3 * BYTES);
  });

  it('counts pixels once that several ids share, for as long as one of them does', () => {
    const frames = createFrames(2 * BYTES, () => []);
    for (const id of ['picture', 'base/input', 'rfsr/input']) frames.put(id, PICTURE);
    expect(frames.sizeBytes).toBe(BYTES);
    frames.put('result', gradient(8, 8));
    expect(frames.get('picture')).toBe(PICTURE);
    frames.drop('base');
    frames.drop('picture');
    expect(frames.sizeBytes).toBe(2 * BYTES);
    frames.drop('rfsr');
    expect(frames.sizeBytes).toBe(BYTES);
  });

  it('lets go of nothing that is on screen, nor of what is held until it is released', () => {
    const shown = ['a'];
    const frames = createFrames(BYTES, () => shown);
    frames.hold('b');
    for (const id of ['a', 'b', 'c', 'd']) frames.put(id, gradient(8, 8));
    const kept = () => ['a', 'b', 'c', 'd'].filter((id) => frames.under(id).length > 0);
    expect(kept()).toEqual(['a', 'b', 'd']);
    shown.pop();
    frames.release('b');
    frames.put('d', gradient(8, 8));
    expect(kept()).toEqual(['d']);
  });

  it('shows a picture while it is filled: what came, and nothing below it', () => {
    const frames = createFrames(BYTES, () => []);
    frames.putRows('a', WHOLE, 0, HALF);
    const begun = frames.get('a');
    expect(begun?.rgba8.subarray(0, BYTES / 2)).toEqual(HALF.rgba8);
    expect(begun?.rgba8.subarray(BYTES / 2).every((value) => value === 0)).toBe(true);
    frames.putRows('a', WHOLE, 4, HALF);
    // whoever draws it sees by the object that it changed
    expect(frames.get('a')).not.toBe(begun);
    expect(frames.get('a')?.rgba8.subarray(BYTES / 2)).toEqual(HALF.rgba8);
  });

  it('lets go of no picture that is being filled or was, until it is released, whatever the budget', () => {
    const frames = createFrames(BYTES, () => []);
    frames.putRows('base', WHOLE, 0, PICTURE);
    frames.putRows('rfsr', WHOLE, 0, HALF);
    frames.put('other', PICTURE);
    frames.putRows('rfsr', WHOLE, 4, HALF);
    expect(frames.get('base')).toBeDefined();
    expect(frames.get('rfsr')).toBeDefined();
    expect(frames.get('other')).toBeUndefined();
    frames.release('base');
    frames.release('rfsr');
    frames.put('other', PICTURE);
    expect(frames.sizeBytes).toBe(BYTES);
  });

  it('drops what is held too, and does not take rows of what was dropped', () => {
    const frames = createFrames(BYTES, () => []);
    frames.putRows('run/result', WHOLE, 0, HALF);
    frames.drop('run');
    expect(frames.sizeBytes).toBe(0);
    expect(() => frames.putRows('run/result', WHOLE, 4, HALF)).toThrow(RangeError);
    frames.put('run/result', gradient(8, 8));
    frames.put('other', gradient(8, 8));
    expect(frames.get('run/result')).toBeUndefined();
  });
});
