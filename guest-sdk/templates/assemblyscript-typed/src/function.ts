// The functions of wit/world.wit, in camel case. Their types come from the module that the build writes for the world.
import { err, ok, Picture, Result } from 'pixels';

export function grey(image: Picture): Result<Picture, string> {
  const rgba = image.rgba;
  if (image.width == 0 || rgba.length % (image.width * 4) != 0) {
    return err<Picture, string>(`expected rows of ${image.width} pixels, got ${rgba.length} bytes`);
  }
  for (let at = 0; at < rgba.length; at += 4) {
    const light = brightness(rgba, at);
    rgba[at] = light;
    rgba[at + 1] = light;
    rgba[at + 2] = light;
  }
  return ok<Picture, string>(image);
}

export function histogram(image: Picture, steps: u32): Uint32Array {
  const counts = new Uint32Array(steps);
  if (steps == 0) return counts;
  for (let at = 0; at + 3 < image.rgba.length; at += 4) counts[(brightness(image.rgba, at) * steps) >> 8]++;
  return counts;
}

function brightness(rgba: Uint8Array, at: i32): u8 {
  return <u8>((299 * <u32>rgba[at] + 587 * <u32>rgba[at + 1] + 114 * <u32>rgba[at + 2]) / 1000);
}
