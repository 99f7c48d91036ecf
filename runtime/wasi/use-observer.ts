/**
 * What a guest did with a path: opened it for reading; opened, made, moved or removed it; asked about it; listed it; found nothing there;
 * was not let change it.
 */
export type FileUse = 'read' | 'written' | 'looked-at' | 'listed' | 'missing' | 'read-only';

/** Hears what a guest does with what it is given, and what it looks for in vain. Never throws. */
export interface UseObserver {
  /** `path` is absolute, as the guest sees it, without `.` and `..`. */
  file(path: string, use: FileUse): void;
  /** It read them; WASI gives all or none. */
  read(what: 'environment' | 'arguments'): void;
  /** It asked for a key of the configuration, or for all with null. */
  configuration(key: string | null, isThere: boolean): void;
}

/** Where a path leads from an absolute directory, by its text alone: what is shown to people, not what is opened. */
export function pathFrom(directory: string, path: string): string {
  const names = directory.split('/').filter((name) => name !== '');
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}
