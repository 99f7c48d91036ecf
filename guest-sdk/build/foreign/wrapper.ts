import { fileURLToPath } from 'node:url';
import type { CLanguage } from '../c/clang.ts';

/** What the scripts of a toolchain call. Paths are absolute. */
export interface ToolPaths {
  readonly clang: string;
  /** Null where C++ is not installed. */
  readonly clangxx: string | null;
  readonly wasmLd: string;
  /** Folder of the linker under the names that clang looks for, and of nothing else. */
  readonly linker: string;
  /** Clang's own folder of headers. */
  readonly resources: string;
  /** Folder of headers and library that WASI's libc leaves out. */
  readonly posix: string;
}

/** Where Debian's wasi-libc has its headers. */
const LIBC_HEADERS = '/usr/include/wasm32-wasi';

/** Parts of WASI's libc that are libraries of their own, by what turns them on in its headers. */
export const EMULATED = ['mman', 'signal', 'getpid', 'process-clocks'];

/** C++ of before 2017, which Debian's compiler and its library still take. */
const CXX_AS_DEBIAN = [
  ...['register', 'c++11-narrowing', 'reserved-user-defined-literal'].map((name) => `-Wno-error=${name}`),
  ...['AUTO_PTR', 'BINDERS', 'RANDOM_SHUFFLE', 'UNARY_BINARY_FUNCTION'].map(
    (name) => `-D_LIBCPP_ENABLE_CXX17_REMOVED_${name}`,
  ),
];

/**
 * What every C file is compiled with: setjmp by WebAssembly's exceptions, the headers of `posix`, and what older sources do that is an error
 * in clang and none in Debian's compiler.
 */
export function compileFlags(
  { posix, resources }: Pick<ToolPaths, 'posix' | 'resources'>,
  language: CLanguage = 'c',
): string[] {
  const isCxx = language === 'c++';
  const cxx = isCxx ? [`${posix}/include/c++`, `${LIBC_HEADERS}/c++/v1`] : [];
  return [
    '--target=wasm32-wasi',
    // Clang looks in this computer's own headers, too.
    '-nostdinc',
    // With the functions of posix it is one, as far as sources ask.
    ...['-D__unix__=1', '-D__unix=1'],
    ...['-mllvm', '-wasm-enable-sjlj'],
    ...[...cxx, `${posix}/include`, `${resources}/include`, LIBC_HEADERS].flatMap((folder) => ['-isystem', folder]),
    ...EMULATED.map((name) => `-D_WASI_EMULATED_${name.toUpperCase().replace('-', '_')}`),
    ...['implicit-function-declaration', 'implicit-int', 'int-conversion', 'incompatible-function-pointer-types'].map(
      (name) => `-Wno-error=${name}`,
    ),
    ...(isCxx ? CXX_AS_DEBIAN : []),
    '-Wno-unused-command-line-argument',
    '-Wno-deprecated',
  ];
}

/** As large as programs on Debian may expect, more or less; the linker's own 64 KiB run into a program's data. */
const STACK_BYTES = 4 * 1024 * 1024;

/** Read by the shell when it links: an object, or nothing. */
const ABSENT = '$CLOUDLET_ABSENT';

/** What every program is linked with, after its own files. */
function linkFlags(posix: string): string[] {
  return [
    // As a command the linker ends the program after each export: realloc is one, and the adapter calls it in the midst of it.
    '-mexec-model=reactor',
    ...['-z', `stack-size=${STACK_BYTES}`, '--stack-first', '--strip-debug'].map((word) => `-Wl,${word}`),
    ...['__wasi_proc_exit', 'open', 'fopen', 'read', 'pread'].map((name) => `-Wl,--wrap=${name}`),
    ...['start', 'exit-status', 'realloc'].map((name) => `${posix}/${name}.o`),
    // Empty unless a build says which functions its program goes without.
    ABSENT,
    `-L${posix}`,
    ...['cloudlet-posix', 'm', ...EMULATED.map((name) => `wasi-emulated-${name}`)].map((name) => `-l${name}`),
  ];
}

/**
 * A compiler driver for `CC` and `CXX`, as a shell script, since it starts for every file: takes out options that are for other processors and linkers,
 * and adds what a program needs here.
 */
export function driverScript(tools: ToolPaths, driver: string): string {
  const isCxx = driver === tools.clangxx;
  const compile = compileFlags(tools, isCxx ? 'c++' : 'c')
    .map(quoted)
    .join(' ');
  return `#!/bin/sh
# The compiler of "cloudlet build --command": clang for WASI, with what WASI's libc leaves out.
link=1 threads= input=
for word do
  shift
  case $word in
    -c | -S | -E | -M | -MM | -fsyntax-only) link= ;;
    # No threads: whoever asks for them is refused by the function that makes one.
    -pthread | -pthreads | -kthread) threads=1; continue ;;
    -march=* | -mtune=* | -mcpu=* | -m64 | -m32 | -rdynamic | -static | -static-libgcc | -static-libstdc++ | -s | -pie | -no-pie | -fno-plt) continue ;;
    -Werror | -Werror=* | -pedantic-errors | -fstack-protector* | -fstack-clash-protection | -fcf-protection* | -D_FORTIFY_SOURCE=*) continue ;;
    -fexceptions | -flto* | -fuse-linker-plugin | -fwhole-program) continue ;;
    -Wl,-z,stack-size=*) ;;
    -Wl,-z,* | -Wl,--as-needed | -Wl,--no-as-needed | -Wl,-rpath* | -Wl,-O* | -Wl,-soname* | -Wl,-h,* | -Wl,--hash-style* | -Wl,-Bsymbolic* | -Wl,--build-id* | -Wl,--version-script* | -Wl,-Map* | -Wl,-E | -Wl,--start-group | -Wl,--end-group | -Wl,--sort-common | -Wl,--warn-common) continue ;;
    -lgcc | -lgcc_s | -lc) continue ;;
    -lstdc++) word=-lc++ ;;
    -I/usr/include* | -L/usr/lib* | -L/lib*) continue ;;
    -shared) echo "cc: -shared: WebAssembly has no shared libraries here; build with --disable-shared or -DBUILD_SHARED_LIBS=OFF" >&2; exit 1 ;;
    -) input=1 ;;
    -*) ;;
    *) input=1 ;;
  esac
  set -- "$@" "$word"
done
if [ -z "$input" ]; then exec ${quoted(driver)} --target=wasm32-wasi "$@"; fi
if [ -n "$link" ]; then
  if [ -n "$threads" ]; then set -- "$@" ${quoted(`${tools.posix}/threads.o`)}; fi
  set -- "$@" ${linkFlags(tools.posix).map(shown).join(' ')}
fi
# Clang runs any wasm-opt that lies on the path, and the same source would give another program on another machine.
PATH=${quoted(tools.linker)}
set -- ${compile} ${isCxx ? '-fno-exceptions ' : ''}"$@" -Wcast-function-type
if [ -z "$link" ]; then exec ${quoted(driver)} "$@"; fi
# A function that is declared in one place as it is not defined in another is left out, and its calls are traps. It is kept, by an export, so
# that the build can lead them to it.
said=$(LC_ALL=C ${quoted(driver)} "$@" 2>&1)
status=$?
if [ -n "$said" ]; then echo "$said" >&2; fi
keep=
while read -r before name; do
  case $before in 'mismatch:') keep="$keep -Wl,--export-if-defined=$name" ;; esac
done <<END
$(echo "$said" | ${SED} -n 's/^.*function signature mismatch: \\([A-Za-z0-9_.$]*\\)$/mismatch: \\1/p')
END
if [ $status -ne 0 ] || [ -z "$keep" ]; then exit $status; fi
exec ${quoted(driver)} "$@" $keep 2>/dev/null
`;
}

/** By its own path: the path of a link leads to the linker alone. */
const SED = '/bin/sed';

/** A script that only calls another program. */
export function callScript(program: string, words: readonly string[] = []): string {
  return `#!/bin/sh\nexec ${[program, ...words].map(quoted).join(' ')} "$@"\n`;
}

/** A tool that has nothing to do. */
export const NOTHING_SCRIPT = '#!/bin/sh\nexit 0\n';

/** A tool that this computer does not have: says what to install, for what would else be another one of the same name. */
export function missingScript(sentence: string): string {
  return `#!/bin/sh\nprintf '%s\\n' ${quoted(sentence)} >&2\nexit 1\n`;
}

/** Answers of a configure script that it would find by running a program, and defaults that fit. */
export const CONFIG_SITE = `# Read by every configure script: programs for WASI are built here, and cannot be run here.
cross_compiling=yes
ac_cv_host=wasm32-unknown-wasi
ac_cv_target=wasm32-unknown-wasi
ac_cv_func_malloc_0_nonnull=yes
ac_cv_func_realloc_0_nonnull=yes
ac_cv_func_calloc_0_nonnull=yes
ac_cv_func_memcmp_working=yes
ac_cv_func_strnlen_working=yes
ac_cv_func_strtod=yes
ac_cv_func_stat_empty_string_bug=no
ac_cv_func_lstat_empty_string_bug=no
ac_cv_func_lstat_dereferences_slashed_symlink=yes
ac_cv_func_fork=no
ac_cv_func_vfork=no
ac_cv_func_fork_works=no
ac_cv_func_vfork_works=no
ac_cv_func_mmap_fixed_mapped=no
ac_cv_c_bigendian=no
ac_cv_c_stack_direction=-1
test -z "$enable_shared" && enable_shared=no
test -z "$enable_threads" && enable_threads=no
test -z "$enable_nls" && enable_nls=no
`;

/** What tells CMake of the toolchain in a folder. */
export function cmakeToolchain(folder: string): string {
  return `set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_VERSION 1)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
list(APPEND CMAKE_MODULE_PATH "${folder}/cmake")
set(CMAKE_C_COMPILER "${folder}/bin/cc")
set(CMAKE_CXX_COMPILER "${folder}/bin/c++")
set(CMAKE_AR "${folder}/bin/ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${folder}/bin/ranlib" CACHE FILEPATH "")
set(CMAKE_FIND_ROOT_PATH "${folder}/root")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(BUILD_SHARED_LIBS OFF CACHE BOOL "")
`;
}

/** CMake's file of the system: close enough to a Unix, and without shared libraries. */
export const CMAKE_PLATFORM = `set(UNIX 1)
set(WASI 1)
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS FALSE)
set(CMAKE_EXECUTABLE_SUFFIX "")
set(CMAKE_STATIC_LIBRARY_PREFIX "lib")
set(CMAKE_STATIC_LIBRARY_SUFFIX ".a")
`;

/** Folder of the C sources and headers that are lowered. */
export const POSIX_SOURCE = fileURLToPath(new URL('../../guest/c/posix', import.meta.url));

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quoted, but for what the shell is to put in. */
function shown(word: string): string {
  return word === ABSENT ? word : quoted(word);
}
