import { inflateRawSync } from 'node:zlib';

/** Size of a flat firmware, bytes: it ends at the reset vector below 4 GiB. */
const FIRMWARE_BYTES = 64 * 1024;

/**
 * Two guests of 64 KiB, for measuring what runs guests here. Both start at the reset vector, enter long mode over a page table of
 * 2 MiB pages for the low 4 GiB, then:
 *
 * - `PROBE` counts a register down from 20 million, writes to 4096 pages, and writes 0x15 to port 0xf4 (`isa-debug-exit`), which
 *   ends QEMU with status 43. A KVM that can only emulate such a guest takes minutes for it.
 * - `CLOCK` answers every byte on COM1 with the eight bytes of its time-stamp counter.
 *
 * The assembly is in `firmware.S`; what is here is its flat binary, deflated.
 */
const PROBE =
  '7cyhblNxGMbh98/SUNP8ayAVJJzUQ1auADnJVfQKmB+pmljF5G4BAWKiTUh6XDcFcnJBEBgOqsjIIScDsWvgecz3e833a9Y+n9fyeFhq084XF6VO2/nNk3TdMKtxkuXVsl1+2iQls3adSXL78+120O+9ccl2kHHJXtPXsK/9vsZ9vexr0terkk2aktUiyTrD5PjhIGmy2A4/72pzvbho6vR61T+t06v1UdLWF6OUpO7Xph2V5KhO25vzdN0kH5IHWefZrHSXh7eb/tE64+TguB682fbVXR7+eP/oy273/ffJeXLyOv90XZKzj3f39O89e5en+XrXAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/4lvo/v7Dw==';
const CLOCK =
  '7cyxalMBFMfh/zUE4xBuJskgeMkDSOMTOGb0Ke4T6F7IYocGcewTCA4uHZIi9NYldVJwyVg6aVtcFCyiXLkki68g37ec3+HA+TVtHtVlcX9clFVTz8+LctLUVw/StoMsR0kWm0Wz+HSaFJk2q4yT39/frPvd3hsVWfczKtKruhp0tdfVqKsnXY27elrkNFWR5TzJKoPk4G4/qTJfDy5/lNXF/LwqJxfL7mk52az2k6Z8PEyRlHtl1QyLZL+cNFfHadtx3iV3Up/86d28Lp79rE9uezfldHZ2Wc3uvZ8dfF4Nkt252p5fbL7Nzq4H7YfnX67Xh8dJ/TI7bZvk6ON2vtrNo7d5mNttAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/Ke+Dv/d/wI=';

/** Status with which QEMU ends after `PROBE` ran. */
export const PROBE_STATUS = 43;

/** The flat binary of a firmware, for `-bios`. */
export function firmware(name: 'probe' | 'clock'): Uint8Array {
  const bytes = inflateRawSync(Buffer.from(name === 'probe' ? PROBE : CLOCK, 'base64'), {
    maxOutputLength: FIRMWARE_BYTES,
  });
  if (bytes.length !== FIRMWARE_BYTES)
    throw new Error(`expected a firmware of ${FIRMWARE_BYTES} bytes, got ${bytes.length}`);
  return bytes;
}
