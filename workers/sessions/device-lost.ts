import { StudioError } from '../../src/protocol/errors.ts';

/** StudioError `device-lost`: the graphics device went away. */
export function deviceLost(details: Readonly<Record<string, string>>, cause: unknown): StudioError {
  return new StudioError('device-lost', 'The graphics device stopped. The studio can go on with a new one.', { details, cause });
}
