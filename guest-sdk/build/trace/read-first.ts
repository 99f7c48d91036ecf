import { askedGrant, type GrantRequest, namesOfGuestPath } from '../../protocol/index.ts';
import { isBelow } from './file-grants.ts';

/** Files that a project file names in their order: more are no list that anybody reads, and the first matter most. */
const MOST_FIRST = 64;

/**
 * What a package should have first, by its paths in the package, for a program that read these files, by the guest's paths, in this order. Nothing when
 * that is the order in which they are anyhow. Pure.
 */
export function readFirstOfTrace(readOrder: readonly string[], grant: GrantRequest): readonly string[] {
  const { files, scratch } = askedGrant(grant);
  const places = [...scratch, ...files].flatMap(({ path, from }) => {
    return from === null ? [] : [{ at: `/${namesOfGuestPath(path).join('/')}`, from }];
  });
  const packaged = readOrder.flatMap((path) => {
    const place = places.findLast(({ at }) => at === path || isBelow(path, at));
    return place === undefined ? [] : [place.from + (place.at === '/' ? path : path.slice(place.at.length))];
  });
  const first = [...new Set(packaged)].slice(0, MOST_FIRST);
  return first.every((path, at) => at === 0 || first[at - 1]! < path) && packaged.length <= MOST_FIRST ? [] : first;
}
