/*
 * From the initial root to the VM's own: modules, the root disk, the file systems of the kernel, the loopback interface, and the two
 * ports. Nothing here is done twice: a clone goes on long after it.
 */

/* Of <sys/mount.h>, <linux/sockios.h>, <net/if.h>. */
enum { NOSUID = 2, NODEV = 4, NOEXEC = 8, NOATIME = 1024, MOVE = 8192, SIOCSIFFLAGS = 0x8914, IFF_UP = 1 };

/* The digit at DEVICE is the place of the ports' controller among all virtio devices: `virtserialport,name=relay,nr=1` and
   `name=control,nr=2` of QEMU's arguments, whose only controller of ports it is. */
static char relay_file[] = "/dev/vport0p1";
static char control_file[] = "/dev/vport0p2";
enum { FILE_DEVICE = 10, DEVICES = 9 };

/* How long the ports may take to appear after their driver was loaded: 2000 rounds of looks, 5 ms apart. */
enum { PORT_LOOKS = 2000 };
static const long PAUSE[2] = {0, 5000000};

/* Loads /modules/1.ko, /modules/2.ko, … until there is no further one. */
static void load_modules(void) {
  char path[] = "/modules/1.ko";
  for (;; path[9]++) {
    long file = call3(open_, path, O_RDONLY, 0);
    if (file == -ENOENT) return;
    must(path, file);
    must(path, call3(finit_module, file, "", 0));
    call1(close_, file);
  }
}

static void make_directory(const char *path) {
  long made = call2(mkdir_, path, 0755);
  if (made != -EEXIST) must(path, made);
}

static void mount_at(const char *type, const char *path, long flags, const char *options) {
  make_directory(path);
  must(path, call5(mount_, type, path, type, flags, options));
}

/* What is only in memory is bounded by a part of it: a program that fills it has an error, not the VM. */
#define PART "size=25%,mode=1777"

static void mount_all(void) {
  mount_at("devtmpfs", "/dev", NOSUID, 0);
  load_modules();
  make_directory("/root");
  must("the root disk", call5(mount_, "/dev/vda", "/root", "ext4", NOATIME, "discard"));
  mount_at("devtmpfs", "/root/dev", NOSUID, 0);
  mount_at("devpts", "/root/dev/pts", NOSUID | NOEXEC, "mode=620,ptmxmode=666,gid=5");
  mount_at("tmpfs", "/root/dev/shm", NOSUID | NODEV, PART);
  mount_at("proc", "/root/proc", NOSUID | NODEV | NOEXEC, 0);
  mount_at("sysfs", "/root/sys", NOSUID | NODEV | NOEXEC, 0);
  mount_at("tmpfs", "/root/tmp", NOSUID | NODEV, PART);
  mount_at("tmpfs", "/root/run", NOSUID | NODEV, "size=25%,mode=755");
  must("chdir", call1(chdir_, "/root"));
  must("moving the root", call5(mount_, ".", "/", 0, MOVE, 0));
  must("chroot", call1(chroot_, "."));
  must("chdir", call1(chdir_, "/"));
  /* Shells and servers take these for granted; one that is there is as good. */
  call2(symlink_, "/proc/self/fd", "/dev/fd");
  call2(symlink_, "fd/0", "/dev/stdin");
  call2(symlink_, "fd/1", "/dev/stdout");
  call2(symlink_, "fd/2", "/dev/stderr");
}

/* The only interface there is; its address comes by itself. */
static void bring_loopback_up(void) {
  struct { char name[16]; short flags; char rest[22]; } request = {"lo", IFF_UP, {0}};
  long file = must("socket", call3(socket_, AF_INET, SOCK_DGRAM | O_CLOEXEC, 0));
  must("the loopback interface", call3(ioctl_, file, SIOCSIFFLAGS, &request));
  call1(close_, file);
}

/* Opens a port of whatever device has it; the driver makes one a while after it was loaded. */
static long open_port(char *path) {
  for (int look = 0; look < PORT_LOOKS; look++) {
    for (int device = 0; device < DEVICES; device++) {
      path[FILE_DEVICE] = '0' + device;
      long port = call3(open_, path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
      /* ENXIO: its device is there a moment before the port is. */
      if (port != -ENOENT && port != -ENXIO) return must(path, port);
    }
    call2(nanosleep_, PAUSE, 0);
  }
  return must(path, -ENOENT);
}
