import { inflateRawSync } from 'node:zlib';

/** What `held-files.c` compiles to, deflated. */
const LIBRARY =
  'rVZvaFtVFD+vadN20ya2rptTXEHiqnSvTW27OupIZlJu9EnnWqvgn/Q1eWujaV5JbofdCgayCG8QFHEgzH8gDr9Z/FCL1S6sxVAE3frBje3LkIkL+dAx0eGUXHeT85r3Hi39oIckv3t/9513zz33d0/uW36pv0oQQDcbHIRKD8CDOFtr5HrBDh64B7aDHQCqDc9Z8bBgxjrkBfTbzE5UmxGcFb8aAJhBfuZ+M14XzGj047GO2Mv9kUfNeBnMqPtVbeE3C2bU1/f8rzRsh//P7JWQTHbvJrwLABrBDrkd5riGkK9vLve3GfaD83oeG5GXkW9qrsTBLYL8AxY+jvweC/8w8l9hPAjQhvxPlji7kb+EPIYFB5EvWPgA8myHeV0zyLuadX2X7W3kWy28Db9cXru5bjnZ0Q/3AUlu8yQJz3YLCNUCZs2Geqzna/l4rfHzx6YKxy6dmWnr+/bq7OnxI4OPLy+MfLDWOHxtIGOPNSzf/PRZ4bg/LHQ22efUfZ6/QZ1UYjCmUCV2DIJBJR6PqcGoGpJpRI2VBnu6SiBThJ4uCAZ5M9iJjZ6u9aZMDc0SH0qUehxDUTWhlInS20OJ4IQcjaoh3gpHEnJiIhihShyikdGQPJmgakwRE6rYBQCte8v5qUWt6NZh4KsMfPtkXA21J5To0faj4XZ4Whp4wSf5h4LEL/mC/QHJPwhAtItEu0W0IsnlPmSMFcD7onfYOzR4mGg/BLSfA9rtgPYPyTy1uMbYjfcEgEBmoMG9SjLdH60xRlJ3GmiT91TfTilzSPAc6OuUtPM0X3idpLNUOeU8uUqD3nkeLNF+dDOSylb5HHOE+dMrdL839VcbdT/nWLxIMn3nApm+4ySVu0BY1p/Oeuf5Cuiq35319TZ4He9nJeF7ksoWCwv+dJbWJA8C7fOfXJk6M88rp6T9JmlFSbsV0K44aoi2RNLZ6YbbV2/cvKsLbdcCY4xpl0lque5l7yve17zBpeSdOK13zJ1PZ+l3hYfmyV1dL3IhuVf97lVHDckt/c4Y+8I29U15zF69Plb4xJq1fK7IGAmx/DnErzkan3Cv5D/bgHun/Lx7JZ9eb50oMjbPtb+Ev1zbS+4s/5T2lXX/4gRgrutOAMceDzAX74/zofw1vlLXFd7nWc9fYIw1oB5OI+5EbK2u1NeSjsB8Dp17zee7Fsz15F0U4Xbs70KsQUzazHXgLOIfRaaW3m/buM7qdd1q/VgnhhGlSOwNJX6gxaeMRuRYiyT5WtxPim5xP4AYno4lpidAHItNieNyYrzM0DiIcSUqi5NRCmJcDctUBpEqb1IoU+HpmDwRCYE4ptIyE1InJpQYBTExnqBxKo/+9/8RAXNWZcmjjkmhsg+CoR7r+eV17k/GVN1fz6OOk4Z5jPVctyZ8d5Vln3Q8u0G8RnsQa/Mhi4507DD41W8QvwvHOrH/UrUZH9lkfh33Ge4SpvsH+n9pCdh6x3nC4t+Beuqwm+O3XEPWrRd9bRa96veTWcs5qrO8x4vzW8+ZEw9Yq2U+6/49g/7WOHvRf/cW+Rs0zG20I+j/6hb7/y8=';

/** Bytes of that library; it is an ELF shared object for x86-64. */
const LIBRARY_BYTES = 2736;

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

/** What the environment of a program names for the library; nothing when it holds no files. Pure. */
export function heldFilesEnvironment({ readOnlyFiles = [], writableFiles = [] }: HeldFiles): Record<string, string> {
  const held = [...readOnlyFiles.map((fd) => `r${fd},`), ...writableFiles.map((fd) => `w${fd},`)];
  return held.length === 0 ? {} : { CLOUDLET_HELD_FILES: held.join('') };
}
