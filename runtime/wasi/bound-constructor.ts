/**
 * A constructor without arguments of its own instance for resources that the guest itself creates.
 * It shares the prototype, so that methods stay one warm function for all instances and `instanceof` holds.
 */
export function boundConstructor<Resource extends object, Arguments extends unknown[]>(
  prototype: Resource,
  make: (...parameters: Arguments) => Resource,
): new (
  ...parameters: Arguments
) => Resource {
  function Bound(...parameters: Arguments): Resource {
    return make(...parameters);
  }
  Bound.prototype = prototype;
  return Bound as unknown as new (
    ...parameters: Arguments
  ) => Resource;
}
