import { describe, expect, it } from 'vitest';
import { aboutTime, gigabytes } from '../../../src/plan/words.ts';

describe('what people are told', () => {
  it.each([
    [0.2, 'about 1 s'],
    [12.4, 'about 12 s'],
    [130, 'about 2 min'],
    [9000, 'about 3 h'],
  ])('of %d seconds is %s', (seconds, words) => {
    expect(aboutTime(seconds)).toBe(words);
  });

  it('of memory is gigabytes, never none', () => {
    expect(gigabytes(940e6)).toBe('0.9 GB');
    expect(gigabytes(1)).toBe('0.1 GB');
  });
});
