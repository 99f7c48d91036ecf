/** Kernel modules the guest needs, in the order they must be loaded: `virtio_ring` before `virtio`. ext4 is built in. */
export const MODULES = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_mmio',
  'drivers/char/virtio_console',
  'drivers/block/virtio_blk',
] as const;

/** Bytes that the guest may keep in its temporary directory; it is memory. */
const TMP_SIZE = '64m';

/** The first program: loads the modules, mounts the read-only root and hands over. */
export const INITRD_INIT = `#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
for module in ${MODULES.map((path) => path.split('/').at(-1)).join(' ')}; do $B insmod /modules/$module.ko; done
$B mount -t ext4 -o ro,noatime /dev/vda /root || { echo "init: the root disk cannot be mounted"; $B reboot -f; }
for dir in dev proc sys; do $B mount --move /$dir /root/$dir; done
exec $B switch_root /root /sbin/init
`;

/**
 * The second: starts the agent as an unprivileged user that owns nothing but its port and a temporary directory in memory.
 * When the agent ends, the machine ends. `CLOUDLET_WORKERS` comes from the kernel's command line.
 */
export const ROOT_INIT = `#!/bin/busybox sh
B=/bin/busybox
$B mount -t tmpfs -o size=${TMP_SIZE},mode=1777,nosuid,nodev tmp /tmp
$B hostname machine
for port in /sys/class/virtio-ports/*; do
  [ "$($B cat $port/name)" = agent ] && AGENT=/dev/$($B basename $port)
done
$B chown 1000:1000 $AGENT
$B env -i HOME=/tmp PATH=/bin LD_LIBRARY_PATH=/lib CLOUDLET_PORT_NAME=agent CLOUDLET_WORKERS=\${CLOUDLET_WORKERS:-1} /bin/busybox start-stop-daemon -S -q -c 1000:1000 -x /bin/node -- --disable-warning=ExperimentalWarning /agent/agent.mjs
echo "init: the agent ended with status $?"
$B reboot -f
`;
