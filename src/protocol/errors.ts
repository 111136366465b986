/** Every way the environment or a person's input can defeat the studio. The list is closed: a new failure gets a new code here. */
export const STUDIO_ERROR_CODES = [
  'image-empty',
  'image-not-an-image',
  'image-truncated',
  'image-too-large',
  'option-invalid',
  'manifest-invalid',
  'bundle-unknown',
  'weights-missing',
  'weights-altered',
  'network-failed',
  'storage-full',
  'storage-denied',
  'storage-lost',
  'backend-unavailable',
  'graph-failed',
  'output-invalid',
  'device-lost',
  'out-of-memory',
  'run-in-progress',
  'worker-died',
  'input-unreadable',
  'output-unwritable',
  'internal',
] as const;

export type StudioErrorCode = (typeof STUDIO_ERROR_CODES)[number];

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A `StudioError` as it travels over a worker boundary or into a bug report. */
export interface StudioErrorData {
  readonly code: StudioErrorCode;
  /** One sentence for people: what happened and, where something helps, what would help. */
  readonly message: string;
  readonly details: { readonly [key: string]: Json };
  readonly cause?: StudioErrorData | { readonly name: string; readonly message: string };
}

/** The environment or a person's input defeated an action. Caller's mistakes are `TypeError`/`RangeError`; cancelling is an `AbortError`. */
export class StudioError extends Error {
  override readonly name = 'StudioError';
  readonly code: StudioErrorCode;
  readonly details: { readonly [key: string]: Json };

  constructor(
    code: StudioErrorCode,
    message: string,
    options: { readonly details?: { readonly [key: string]: Json }; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  toData(): StudioErrorData {
    const { code, message, details, cause } = this;
    if (cause instanceof StudioError) return { code, message, details, cause: cause.toData() };
    if (cause instanceof Error) return { code, message, details, cause: { name: cause.name, message: cause.message } };
    return { code, message, details };
  }

  static fromData(data: StudioErrorData): StudioError {
    const { code, message, details, cause } = data;
    if (cause === undefined) return new StudioError(code, message, { details });
    const inner = 'code' in cause ? StudioError.fromData(cause) : Object.assign(new Error(cause.message), { name: cause.name });
    return new StudioError(code, message, { details, cause: inner });
  }
}

/** True for the error that cancelling raises, whichever realm made it. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
