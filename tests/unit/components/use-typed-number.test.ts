import { expect, it } from 'vitest';
import { numberIn } from '../../../src/components/use-typed-number.ts';

it.each([
  ['42', 42],
  ['4294967295', 4294967295],
  ['0', 0],
])('takes %s for a seed', (text, number) => {
  expect(numberIn(text, 0, 2 ** 32 - 1, 1)).toBe(number);
});

it.each(['4294967296', '-1', '1.5', '', ' ', '1e99', 'seven'])('takes “%s” for none', (text) => {
  expect(numberIn(text, 0, 2 ** 32 - 1, 1)).toBeNull();
});

it('takes parts of a whole where steps are such', () => {
  expect(numberIn('1.5', 0, 20, 0.1)).toBe(1.5);
});
