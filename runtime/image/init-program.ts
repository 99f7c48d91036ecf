import { inflateRawSync } from 'node:zlib';

/** Kernel modules the guest needs, in the order they must be loaded: `virtio_ring` before `virtio`. ext4 is built in. */
export const MODULES = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_mmio',
  'drivers/char/virtio_console',
  'drivers/block/virtio_blk',
] as const;

/** What `init.c` compiles to, deflated: so nobody needs a C compiler to build an image. */
const PROGRAM =
  'rVd7bBxHHf7dy3aaKOfWTtQiUa3aK3JUfI/ii+PAwh25a8d00wTHIaVQOWvf2l58d2vtztlOiFRXp5M8MUOR+h9SJZCoxENIUKrqsNTU2MGXVCAqKsSjkVWg2Of4EWhF7JLIA7O7d7dnp/kDGNk7szPf93t8M7v7u+eS0uNulwsqzQ2fBX432SKY9zF7/id7qxCIwRHwQQwaoQEaAMDrwMVAqOvvt01X+iYb57J5tSbU9ZMeqOuhucbzOdftOCs9boS63snjsUIlj0eFuv6sPV3pK7wv/g2nGuC/byllDGdGBw0I6ZqGQyllDEIZLZVLK0YoEhzRwFCwrhhDagqUCdxhw4xzBhyTTpxOSMnevpMnenr7noofT4rykJLFEAJDPa+Ihzsyn8xoKUWMdHZ2QhBAGJTVtJISxlU8LCi6rukCpDVtRM0OCYOaLuBhRRjVdCwMyGmOs6yN6toAWMOB4ZSqQ0Yb4wyO5rHAyXgvEkP9ahayWl9WGe8b1dUxOx8ImUzrGsx8zQArWXTieFIM4cwoDAybuGoyZ070PJnsOSVGYFxWcQeoWRUfNZ2ZNgQlm6qkYGAZ5wwBpESf1P35nnjPl/usWNJqP9xjK8V9VEIVUqoxwgUd1gyclTMKtLenVEPuTyvt47KeVbNDYnJiVNHVjJLFcvqMNWdvQU5NAd+f0FhKNgeQkQeG1azC14d0LTdq7E4DuDChrJZSwDhnDBowqOkjdmimslZ+YCKcLfakZPaILKP8e38v8/Hp+Jn4l+Kn472nUH5tGJELgbNouhGRROBpRKPqDcYQFX+0zljkneLLABCfuce08K9kZNbvQ2QTkYXysg8AFSuni5snTzSgYuXQIdJYdANA5Gbkt0n+x5n5rW2c6SaXu8mSRMWfrTMmkU2JLJW/7QModrkAJLIske0aRbKcnefr/EmUyLLT4nYisMd0I5FN53w3ucyd5b6DqPitDcYkGn11nad1gK0xZifV6OW8m1ZoVHxwgzHuaz9PjEZfXTNl+F4NfwcR/uI1sXjDxD6wXsXu3419zcLmLbuHN+6GvWhhnzdjFpu5UNSXrYXSYFGq+Ge8AMWTu3WQaPSFNVNljurgCdNHuvgMFT9eM8ffhTXlLTmeXbPkYB6A4nd3S4+oOGVDrnmq3lmdd8vt6x6ejHiQq/NDALjEX5l1hn5qG3rRA+Bv88V42uRd/yGQqPh2Kw86FQgj2v76KmPdZDHyzkIi0AGlRCDMjzP5w77wlO/lVoAp31wrgH0g6kJBhdmJ/m7yyxn+To/MSuSGRJZqcZreD3iqh+yGkzt5IRCWcwFUmmWMMZTf8uBnLvZ6H0MUuY72trkRuYJXUP5Dz/gxNp+/1eQvPMsYKz5sPXX1gnzA5p+/9VYjgL/wKWZu7tx1xlBpYZsxVn7RbSr1VgtA8atcqbIHYIZfqnmQhXLGzR8WngerP/MLiIrvrVpSIjfA8cJNvK/kDXCRViZcpraXWwD8hxKBmL/N9317HEbU9woPg3gDiPoMc5gINCHqK9vjZkR9b69Y4/vRdC9/Y+DA02haep8vFTiscBUfQbT1fZSfa0Y0emSVsQhLXPR2JY56O3N7ESuhPLs3t77qR9NfaEL5uSZUuJq7tupB5Aoif0XkmIBKx9p4tEW8Kz1ExWvXrdzSLoDiOAC8waW5g0hU3L9iQeMcmrsrdNC2epBDX+LQT3DpXTsP6aBtcgPMTRrhNIoD4eKnzY3+k3OL3gSAklk58D04jMhSUeSoUokfIYdZMo/yW7exH1Gx17S/WP4mP4FdH+TeRDT6+ApjRR7JG/wy8xDUIp/2Bvyv3c6/+xydmvxPrVKY9Sc/LD/oMt8bT9TTXA5a8Qd8+seLf96+pD5wX9vMUPJhV2XNRBc/s+Otvbp+qpv8AxVuTvgkcuUr84jcQjT6jXoXDQ4XqDTHs5y80OICRHtcuX/WgIgs1iSNvrJsG5lpcfC7N/8okd+Ue0ydo18v/19zWUgEbsPPW7ntS7/+ldUQ2UKbS+gX1z3Uex/1TsbJVvzQbHzySjgxldi3jNhVlGd7EPn9+O8Q7diH8gvlao4Hd+dYcTbv/A5bX3xeFoVHI/zeOGeEBtKyYYTGVB2rWjtfM6qQkFlX1NqQx6ofF91W/zm3UPedl9TsiKIfFRJKvypnBUlKCJGuYCTYCRDUtZSMZQhiZQJD0Brza1BX0kFdg+CAluGVCgSNYQPrWO6H/7m57P/HKvWuy65/7fpccNfjm3fw9zhraWf97dlRd9vNu4Pvt/mVsr5ah9t1+WG4u/8DO/gxmx/bW/8r4qP4D9n88I75szb/Y3fQy9k/6ozd0c7b/OhH8Cvt3w==';

/** Bytes of that program; it is a static ELF for x86-64. */
const PROGRAM_BYTES = 3440;

/** The program that a machine starts with. Its source is `init.c`. */
export function initProgram(): Uint8Array {
  return inflateRawSync(Buffer.from(PROGRAM, 'base64'), { maxOutputLength: PROGRAM_BYTES });
}
