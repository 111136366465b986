/** Reports that the value at `path` is not what was expected; never returns. */
export type Fail = (path: string, expected: string) => never;

/** Reads one JSON value of known shape, or fails with its path. */
export type Field<T> = (value: unknown, path: string, fail: Fail) => T;

export function string(pattern?: RegExp): Field<string> {
  return (value, path, fail) =>
    typeof value === 'string' && (pattern?.test(value) ?? true) ? value : fail(path, pattern ? `text like ${pattern.source}` : 'text');
}

/** Numbers from `min` to `max`, both included, or to the largest there are. */
export interface Range {
  readonly min: number;
  readonly max?: number;
}

export function number(range?: Range): Field<number> {
  return (value, path, fail) =>
    typeof value === 'number' && Number.isFinite(value) && isWithin(value, range) ? value : fail(path, `a number${words(range)}`);
}

export function integer(range?: Range): Field<number> {
  return (value, path, fail) =>
    Number.isSafeInteger(value) && Number(value) >= 0 && isWithin(Number(value), range)
      ? Number(value)
      : fail(path, `a whole number${words(range)}`);
}

function isWithin(value: number, range?: Range): boolean {
  return range === undefined || (value >= range.min && value <= (range.max ?? Number.MAX_VALUE));
}

function words(range?: Range): string {
  if (range === undefined) return '';
  return range.max === undefined ? ` of at least ${range.min}` : ` from ${range.min} to ${range.max}`;
}

export function literal<const T extends readonly (string | number | boolean)[]>(...allowed: T): Field<T[number]> {
  return (value, path, fail) => {
    for (const item of allowed) if (item === value) return item;
    return fail(path, allowed.join(' or '));
  };
}

export function array<T>(item: Field<T>): Field<readonly T[]> {
  return (value, path, fail) =>
    Array.isArray(value) ? value.map((entry: unknown, i) => item(entry, `${path}[${i}]`, fail)) : fail(path, 'a list');
}

export function nullable<T>(inner: Field<T>): Field<T | null> {
  return (value, path, fail) => (value === null ? null : inner(value, path, fail));
}

/** May be absent from its object; never undefined where it is present. */
export function optional<T>(inner: Field<T>): Field<T | undefined> {
  return (value, path, fail) => (value === undefined ? undefined : inner(value, path, fail));
}

/** `value` where it is absent: what files written before it was known mean. */
export function absentAs<T, const V>(absent: V, inner: Field<T>): Field<T | V> {
  return (value, path, fail) => (value === undefined ? absent : inner(value, path, fail));
}

/** The first alternative that reads the value. */
export function union<A, B>(first: Field<A>, second: Field<B>): Field<A | B> {
  return (value, path, fail) => {
    try {
      return first(value, path, () => {
        throw NEXT;
      });
    } catch (signal) {
      if (signal !== NEXT) throw signal;
      return second(value, path, fail);
    }
  };
}

const NEXT = Symbol('not this alternative');

export function record<T>(inner: Field<T>): Field<Readonly<Record<string, T>>> {
  return (value, path, fail) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, inner(entry, join(path, key), fail)]))
      : fail(path, 'an object');
}

/** Exactly the named fields are read; others are ignored, so that a newer writer can add some. */
export function object<S extends Readonly<Record<string, Field<unknown>>>>(
  shape: S,
): Field<{ readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never }> {
  return (value, path, fail) => {
    if (!isObject(value)) return fail(path, 'an object');
    const entries = Object.entries(shape).map(([key, field]) => [key, field(value[key], join(path, key), fail)]);
    // what is absent stays absent: whoever lists the keys sees no empty ones
    return Object.fromEntries(entries.filter(([, read]) => read !== undefined));
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}
