import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { inflateRawSync } from 'node:zlib';
import { PROGRAM_PATH } from './machine-root.ts';

/** A library that QEMU links and no machine uses, in whose place a small one of ours is loaded. */
export interface StandIn {
  /** Its source, `NAME.c`, and what of it is seen, `NAME.map`. */
  readonly source: string;
  /** The name by which the loader takes it for that library. */
  readonly library: string;
  /** What it compiles to, an ELF shared object for x86-64, deflated. */
  readonly program: string;
  readonly bytes: number;
}

/** Libraries that cost each machine most for nothing. That of held files stands for one more. */
export const STAND_INS: readonly StandIn[] = [
  {
    source: 'no-persistent-memory',
    library: 'libpmem.so.1',
    program:
      'rVRNSxtRFD3zNIMmUotoFelilHb7NBu12pYgKi2MaJddhXxMm0FnJmSmmghi/oDgRnDpf/EnuHHZTTeu3OiqOjKZe5M3Q0Ip+EI4OXfm3I+Txz3ZNLeEpoHPED6jx4AC4cWQGluBjgKyGIUOYFh5L427WhJHKK6RbtA5FEnE654uA6BJ8eZEEjlnN7eii3ptk649n8RLJJF14j91PN+3P0FVx8udqP8J6N052ZYpih+l4tEv0dHFn7np27FJAG8BzCs5BTQU7q+1SYotKM/4O0t+tqEZEf9xvnR1fHqaRd2xnKJjOZV6q1i3Gr7tB3GMyb5djrj0PZmH+XV9d3tzu5iXi8B4bjwX1XlF9bgn9uyM7kuO+AxhhvAjDZolvkZ4/xR6nffp+V0Y8xvK95f4b+KPxMUA303b3bMaq8aGVbZLrmGaG0b+g8zLZUBWW67fciB/ur/kQTSx5yZIsRrTWsmvxW8HDcjAagYdVnLsCmTFcxzLDSD9mh80glL55e5LTpmL/WT8ovipKfeWfR4FEIahx3r2j1FX6qj+Mb4hb5mz34wrSn3RZxe8B/Cg6Pn/ZHyXqj+S0i90dlmvH74vjGt9/FLPsrIzEntGpPYL+vNPpOW12d0bIrkvMqn+ae1gi+ovpvIalHB2QP+MO0pt9axS8Ps/5n8G',
    bytes: 1560,
  },
  {
    source: 'no-tls',
    library: 'libgnutls.so.30',
    program:
      '7Vh9cFTVFT9vSZYEENf4FWkaHxoEWt1sCJ9tiusHda0rRolandbHy9ub7Jts3lvuvZsmTksZBAyMH7GtMip2EKy1M1icTmsDjnYZEBympchMUaeKTmZaOw5KxwkWkbrl7Ttv9+3JblJnnP7Vt5k9ub97zu983K+398fL4t8OKAp4zyRYCsUWQBTlqTo/thiCEIWpMAWCAFDl06OyXSmVNYgraFfpWR4qlRAq2lU7fNhuV0vlWqVU+u2cWN88z22/2VIqt0Kp9OwCX9DOy+/Wv8lEEL68py0AUAeTYQTz9Lhfm+Ti184sxR+vdvEtBG8MuvhvCX4IXPxZwr9IcfFhgtsYz0cEH0F8GuHfXeXiKYI3YJzrCL4a43mC8GsYzysEvxD9vk3wFZhvlvAryO/Nm4WIT0N8g+qtB/f5PvL/g/DXYV7LCX8ceX5GeJ5GntOE5yIcx3rC8zTibQS/Guu2ieAnsD5HCf+lGM9GtXSe3onx30141mHd/kjwZuR5hOQFGGcdjQfxGMF/jn67CM6QfzPhP4B1CxL9Dci/kM4f5F9J8PcQ7yd4EvPdT/BfYT0PknrORr+NRL8V8SaCL0C/HQT/E+Kc4Bkc38cI3oZx7ib4JqzPKInzOxjP14j+p+h3NcFPo99fE/xjHJcdhP8+rM8+gv8BebYRnmeRZyud/8jzG4LvxLyA8KzCvCIEP4p+nyP4QeQ/TPjvQf0hou/s/P/7j7MvuZ+twy9Pv8DZH52zJVjcswKgwLrjX629AKN8AfumY79zbM3IIzMHQa2NghIMwcpQHK49S6QqEILoWlUNBKAur6pA5BrXLKjWqFEFoD06MwBNCQhMcdmUqipVgapJSqg2EgpcFoEo1IAKNRBaXLNGCeLLgjoYjTZBDSiwqUkFUKu8c3oqAJwLAOcDQP3Zc+kSzMkZhisA4CoAcI7S+QCw5Ox5Ftu+5uQdz7dEHrvupz3ffHjBOac67n9xdH/T+W+3zm3eUTWaPbRzuOPl2zZAw13H3vv4qarIM0tH/r6i4d3Xn/lL097EoU2XPTF3z5zW5MI72vec1D/ftW50sO/rB5bOn7Pns7+euemdqz7ZsC+7ZvMPn/pwoZ3d8rs1AdG7dvs9jTNOXPn+u8d/9N3b6l7ctuMI74y17fhg9fFVHz10ef3OR/ve2tzw+0vaR5/cPbvxtVeu2Xds5d2D39rVsaX5lyNvRWr3nz5n1hvfO3PTsnu3ze55OP36FaFDQ7OubBpKNU8+nJ1/5P1bGk60PTDtnVjT0efn6H/+xYxPRwIXXvzkqwd3QbeVkSmhcSvh/dudsjv1lGZapvQgITnj3OZe22Bcml2moUumdTOppRnjotBpppOMayJjSqaZVpftdaS5LW3DTuVNLL2XeR26ZVuankrZeUIjZTJLagZnCWZJU0+J8nqC8T7GK+p1cTYhV15nAh7BpKeSSGppneu9olwdivGPJfLruXGNr4P+HNecrcowIctryfFDchT6F0SWaAZPaV1mio2r1MMG8krzxtWSPCNkRbI+xs2uAXc+zCMTopvJsUjeqzDvLbIVK+M49eAE88/HQtYV8W5mMa7LYjLFLrM3bXOppXsM0Vqm10eX1K2ESOo9heD8nWlu2tyUAySEAuwkR5ZCgvWPUStrmx9ZkzOj2CV6/psVUqJWeWI7ahOsj4LK+CxOpOOT+NaPf2z9M4iojZnTnBk2T+Qr6lbFtC3Sx5nRRyDBinua5Lol8sPu+ElLXqEjk0ppXRmrxANVEckxKrjIpGYkmdGjJW0h/ftbobt0qhRgJzHdkGaf7pBq0ixj6uh06sI0NMO2hOS6aUlRVithlYVZf9rkEzhwFmM6w9O2YJptJirqZITePZbBXVhj4XIpp0xR0SDf5+4kkDI73e6wsMOtEbhh+e0d8RVaqzYfZNIU6q3Lbr5d5RlLqD8wZdLOSLUjvsI5v9cfkXNu3Hg4tvFfw0sVgPjG/S1Hzq2O3XfqjJwaW59dPT2mHLhxbvbm9dnMsZbs3uF5uVxub0t2b+zB6u0n3H/dv+HGz3K5/39/4e/i+yD43h2999ohvBeZiu16lNUo+2tdOQXbL6Hhyc9zdv6+YbLb/mfObddj+wy2h7D9b2wHKtxnxE2rh/FvqNezTlO31Hj8erVlSbglvAggnBiwxEAvhLutTLiPceEseH9DS7jNpC6SrrbkEOZ2Qpc6hCXrl3lU7zUNCBt2by+zJIRFUkgu9c4v5z5GwRoGSF09OVhdrKvi+73t1dspcy6Xsz17r46e7PP58dfRkxdhjQv+J5fKxb5xDZS5a5t11scnPntvXD35glLqv4bYN+Nv8wCZN558KTi2Xv5nEWLzvN/NoVL5FShv78mrfXd6JfeAIXL/hw/NfxnaevcLhXu980rv86pJ/t515HL0HyG8/XhPOmOC+O/03534np+gvQ7j1+8/',
    bytes: 5560,
  },
];

/** The library itself. */
export function standInLibrary({ program, bytes }: StandIn): Uint8Array {
  return inflateRawSync(Buffer.from(program, 'base64'), { maxOutputLength: bytes });
}

/** What the loader says of a program whose libraries lack something, or have another version of it. */
const LACKS = /undefined symbol|symbol lookup error|version .* not found|cannot be preloaded/;

/**
 * Whether a program finds all that it asks for with the library that is this descriptor in its place. A QEMU of another version may ask for more, and would
 * not start. The loader tells without running it.
 */
export async function standsFor(program: string, descriptor: number): Promise<boolean> {
  const env = { PATH: PROGRAM_PATH, LC_ALL: 'C', LD_PRELOAD: '/proc/self/fd/3' };
  const child = spawn(program, [], {
    env: { ...env, LD_TRACE_LOADED_OBJECTS: '1', LD_WARN: 'yes', LD_BIND_NOW: 'yes' },
    stdio: ['ignore', 'pipe', 'pipe', descriptor],
  });
  const ended = new Promise<number | null>((resolve) =>
    child.once('error', () => resolve(null)).once('close', resolve),
  );
  const said = await Promise.all([text(child.stdout!), text(child.stderr!), ended]);
  return said[2] === 0 && !LACKS.test(said[0] + said[1]);
}
