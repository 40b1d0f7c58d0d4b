# What the toolchain files beside this one share: Debian's cross compiler, with
# the libraries that "packaging/install-packages cross" unpacks, and qemu-user
# for what is built and has to run during the build.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSROOT /usr/local/lib/firstops-tests/sysroot-${FIRSTOPS_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
list(APPEND CMAKE_CROSSCOMPILING_EMULATOR -L ${CMAKE_SYSROOT})

set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_PATH} "")
string(CONCAT ENV{PKG_CONFIG_LIBDIR}
	${CMAKE_SYSROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig
	:${CMAKE_SYSROOT}/usr/lib/pkgconfig)
