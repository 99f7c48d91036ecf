import { inflateRawSync } from 'node:zlib';

/** What `held-files.c` compiles to, deflated. */
const LIBRARY =
  'rVVNbBtFFH5rx47TQGwSUKuCaCTkqpXKpi5JGioTeYu3GsOiFBLCgR+ztTc/kOxa9qRqChIB14etZMEBiUoJEKlC4sipRFSkVlNhAhJqrQoQXHJBreWDRRFEVMhD135r764S5QDv8s18s9/OmzfvvXlHlE64OA5Mc8MwtGYAEcQvvFZuCLwQgfugEwy6zfKdE09ydvQhz6FuO1t02xECLZ0HAJaQX+qx403Ojlad4WvK05ingnb8Fuxo6lw76JbBjub5nv+NJr3w/5m35ZLN7t+GN9zrBi/cetDu1yHkqw5+APlN5BFgGPnOh+w8h7wZ927kH0W+hB+iDGLI70NiF/JjyB908K56LjZwr5E/92LcG3C1PQCRhV3wrs9YazfO80m1e3xjJO9Vu679vvwsd/qnxbdfv1DtPismuc8OzlVASykqTCpUUU9DPK6k06oWn9ESMp3W1PriYH8dZIow2A/xuDGMH8HBYH9zKFPLsM6jHdjfwHaMjWmHLbzLwvel0lqiL6PMTPRNJPvgaWnkxagkjsWJKEXjJ2KSOApA9BtEv0P0GikWlxhjFRBeEsaFsdGTRP8+pv8Y0zdj+j8k/9RqlbHb73EAsfxIV6hE8gMfVxkj2btdtEc4H94t5Y9zkWPhI5J+lZYrb5BcgSrnA+dKNC6sGM4S/YcQI9mCK+q/RJiYW6dHhezfh2joOf/qDZIPX4nlw2dJtnidsIKYKwgrxgloSQwVokNdgv/DgsR9Q7KFWuWymCtQz8Iw0LB4bn1uccXoLJJ+S9Jrkn4npv/i9xB9jeQK812bv97eAAB9z2XGGNN/JtlrvpeFV4TXhPjawt007fBfupor0K8rj6yQe3m4alx4qCSGSn4PKa79wRj73D33VWPN29Zcq3zqjFq5WGOMJFj5CuKXBlq/CK2XL27Bvd/4PrRezjVHb9UYs9UZGygFAFjwZgDAvy8CLGjMp4yl8oZxsuB3xtyIcvk6Y2w36oi7lef1PGn2X2w/++311m7pA4Z9gEnWifM9iNimYMNlrycZ8c8a0wy84Nq6z5h9zWnjWJ8TiNK0+qaSPtYbVU5Ny2qvJEV7Q0/yIf4oAJ+cVzPzs8BPqnP8lJyZajA0DXxamZH51AwFPq0lZSoDT5UzFBpUcl6VZ6cTwE9qtMEktNlZRaXAZ6YyNE3lU/+9j3IYM5cjjib6uNY9cJb+aMa3AwD+Ykwz9WYcTSSWfaz91bQeS1+z3pOJ8hb+Wu1hfDePO/LIxMMWXccW/gdxzWxcZ9x2fGyb/U183PKW2t5f1H/kcNj5xj/h0EcwnyIeu/+OZ7hpQ6h1O/LVfJ+XHXXkc/xHwP2ddRZAhw449nPe3zOod/o5hPq9O8Rv1LK31V5A/as73P+/';

/** Bytes of that library; it is an ELF shared object for x86-64. */
const LIBRARY_BYTES = 2480;

/** The library by which QEMU opens a descriptor that it inherited, with the rights that it has. Its source is `held-files.c`. */
export function heldFilesLibrary(): Uint8Array {
  return inflateRawSync(Buffer.from(LIBRARY, 'base64'), { maxOutputLength: LIBRARY_BYTES });
}

/** Descriptors, as the program numbers them, that it opens again by `/proc/self/fd/N`. */
export interface HeldFiles {
  /** Opening one is refused unless its descriptor is read-only, whatever it is opened for. */
  readonly readOnlyFiles?: readonly number[];
  /** Those that are opened with the rights of the descriptor. */
  readonly writableFiles?: readonly number[];
}

/** The environment of a program that has the library as descriptor `library`; none when it holds no files. Pure. */
export function heldFilesEnvironment(
  { readOnlyFiles = [], writableFiles = [] }: HeldFiles,
  library: number,
): Record<string, string> {
  const held = [...readOnlyFiles.map((fd) => `r${fd},`), ...writableFiles.map((fd) => `w${fd},`)];
  if (held.length === 0) return {};
  return { LD_PRELOAD: `/proc/self/fd/${library}`, CLOUDLET_HELD_FILES: held.join('') };
}
