/**
 * Where in a value a walk is, as error messages name it: `$[1].crop.width`. A failed walk ends there, so nobody has to step
 * back.
 */
export class ValuePath {
  readonly #steps: (string | number)[] = [];

  /** Goes down into an item of a list or tuple, or a member of an object. */
  enter(step: string | number): void {
    this.#steps.push(step);
  }

  leave(): void {
    this.#steps.pop();
  }

  toString(): string {
    return this.#steps.reduce<string>(
      (path, step) => path + (typeof step === 'number' ? `[${step}]` : `.${step}`),
      '$',
    );
  }
}

/** Longest piece of a caller's text that is quoted back. */
const QUOTED_CHARACTERS = 40;

/** Longest description of what was expected: a component may have types with thousands of fields. */
const EXPECTED_CHARACTERS = 300;

/** "expected …, got …", of a length that fits an error message whatever the type and the value are. */
export function expectedGot(expected: string, value: unknown): string {
  const shown = expected.length <= EXPECTED_CHARACTERS ? expected : `${expected.slice(0, EXPECTED_CHARACTERS)}…`;
  return `expected ${shown}, got ${describeValue(value)}`;
}

/** A value in a few words, for "expected …, got …"; never more of it than fits a line. */
function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length <= QUOTED_CHARACTERS
        ? JSON.stringify(value)
        : `${JSON.stringify(value.slice(0, QUOTED_CHARACTERS))}… (${value.length} characters)`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `an array of ${value.length}`;
      if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
      return 'an object';
    case 'undefined':
      return 'nothing';
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    default:
      return String(value);
  }
}

/** The value as an object with members of its own, else undefined: arrays and bytes are none. */
export function asMembers(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return undefined;
  return value as Record<string, unknown>;
}
