/** The method by which jco's glue tells a resource that the guest dropped it. Browsers without `Symbol.dispose` get the key that the glue uses there. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for('dispose') as typeof Symbol.dispose);
