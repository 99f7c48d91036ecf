import { posix } from 'node:path';

/** What is limited by control groups. */
export const CONTROLLERS = ['memory', 'cpu', 'pids'] as const;

/** What one control group limits. */
export type Controller = (typeof CONTROLLERS)[number];

/** A directory of the control group file system in which groups for machines are made. */
export interface ControlGroupPlace {
  readonly controller: Controller;
  readonly version: 1 | 2;
  readonly directory: string;
  /** Groups from the root to `directory`, each of which must hand the controller down; of version 1 nothing is handed down. */
  readonly above: readonly string[];
}

/**
 * Where a controller's groups for machines belong, from what the kernel says of this process (`/proc/self/cgroup`, `mountinfo`). Of version 1
 * it is below the group of this process, whose own limits hold on. Of version 2 it is beside it: a group with processes in it
 * cannot hand controllers down. Pure.
 */
export function findPlace(
  controller: Controller,
  { groups, mounts }: { readonly groups: string; readonly mounts: string },
): ControlGroupPlace | { readonly reason: string } {
  const own = groups.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line) ?? []);
  const [, , , first] = own.find(([, , names]) => names?.split(',').includes(controller)) ?? [];
  const version = first === undefined ? 2 : 1;
  const path = first ?? own.find(([, number, names]) => number === '0' && names === '')?.[3];
  if (path === undefined) return { reason: `this process is in no control group for ${controller}` };
  const mount = parseMounts(mounts).find((each) =>
    version === 2 ? each.type === 'cgroup2' : each.type === 'cgroup' && each.options.includes(controller),
  );
  if (mount === undefined) return { reason: `no control group file system for ${controller} is mounted` };
  // A container may see its own group as the root of the mount, and its full path in `/proc`.
  const below = posix.relative(mount.root, path);
  const directory = posix.join(mount.path, below.startsWith('..') ? '.' : below);
  if (version === 1) return { controller, version, directory, above: [] };
  const place = directory === mount.path ? directory : posix.dirname(directory);
  return { controller, version, directory: place, above: pathsBetween(mount.path, place) };
}

/** Every directory from `top` to `path`, both included. */
function pathsBetween(top: string, path: string): string[] {
  return path === top ? [top] : [...pathsBetween(top, posix.dirname(path)), path];
}

interface Mount {
  /** Directory of the file system that is mounted. */
  readonly root: string;
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The mounts that `mountinfo` lists; see proc(5). Blanks in paths are written as octal numbers. */
function parseMounts(text: string): Mount[] {
  const lines = text.matchAll(/^\d+ \d+ \S+ (\S+) (\S+) .*? - (\S+) \S+ (\S+)$/gm);
  const plain = (path: string) =>
    path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
  return [...lines].map(([, root, path, type, options]) => ({
    root: plain(root!),
    path: plain(path!),
    type: type!,
    options: options!.split(','),
  }));
}
