import { describe, expect, it } from 'vitest';
import { isAbort, StudioError } from '../../../src/protocol/errors.ts';

describe('StudioError', () => {
  it('survives a structured clone of its data whole, causes included', () => {
    const inner = new StudioError('network-failed', 'No answer.', { cause: new TypeError('fetch') });
    const outer = new StudioError('weights-missing', 'No weights.', { details: { path: 'a/b' }, cause: inner });
    const back = StudioError.fromData(structuredClone(outer.toData()));
    expect(back).toBeInstanceOf(StudioError);
    expect(back.code).toBe('weights-missing');
    expect(back.details).toEqual({ path: 'a/b' });
    expect(back.cause).toBeInstanceOf(StudioError);
    expect(((back.cause as StudioError).cause as Error).message).toBe('fetch');
  });
});

describe('isAbort', () => {
  it('knows a cancel from a fault', () => {
    expect(isAbort(new DOMException('', 'AbortError'))).toBe(true);
    expect(isAbort(new Error('AbortError'))).toBe(false);
    expect(isAbort('AbortError')).toBe(false);
  });
});
