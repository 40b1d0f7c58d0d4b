# The bench: tests/bench/run builds and runs it.
pkg_check_modules(CJOSE REQUIRED IMPORTED_TARGET cjose)

add_executable(bench bench/inside.c bench/lab.c bench/main.c bench/outside.c)
target_link_libraries(bench PRIVATE firstops_host PkgConfig::CRYPTO
	PkgConfig::CJOSE PkgConfig::JANSSON PkgConfig::YAML)

add_executable(bench-login bench/login.c)
target_link_libraries(bench-login PRIVATE firstops_flags PkgConfig::PAM)

# What pam_firstops.so loads, this loads as well, needed or not.
add_library(pam_stub MODULE bench/pam_stub.c)
set_target_properties(pam_stub PROPERTIES PREFIX "")
target_link_libraries(pam_stub PRIVATE firstops_flags
	-Wl,--push-state,--no-as-needed PkgConfig::CRYPTO PkgConfig::YAML
	PkgConfig::PAM -Wl,--pop-state)
