# The bench: tests/bench/run builds and runs it.
pkg_check_modules(CJOSE REQUIRED IMPORTED_TARGET cjose)

add_executable(bench bench/inside.c bench/lab.c bench/main.c bench/outside.c)
target_link_libraries(bench PRIVATE firstops_host PkgConfig::CRYPTO
	PkgConfig::CJOSE PkgConfig::JANSSON PkgConfig::PAM PkgConfig::YAML)

# What pam_firstops.so loads, this loads as well, needed or not.
add_library(pam_stub MODULE bench/pam_stub.c)
set_target_properties(pam_stub PROPERTIES PREFIX "")
target_link_libraries(pam_stub PRIVATE firstops_flags PkgConfig::CRYPTO
	PkgConfig::YAML PkgConfig::PAM)
target_link_options(pam_stub PRIVATE -Wl,--no-as-needed)
