# firstops_pam(NAME SOURCE...): tests/pam/NAME.c, a program that has libpam
# load the real module from the build folder.
add_library(pam_probe MODULE pam/probe.c)
set_target_properties(pam_probe PROPERTIES PREFIX "")
target_link_libraries(pam_probe PRIVATE firstops_flags PkgConfig::PAM)

function(firstops_pam name)
	add_executable(pam_${name} pam/${name}.c pam/fixture.c ${RUNNER}
		${ARGN})
	target_link_libraries(pam_${name} PRIVATE firstops_host PkgConfig::PAM
		PkgConfig::CRITERION PkgConfig::CRYPTO ${CMAKE_DL_LIBS})
	target_include_directories(pam_${name} PRIVATE
		${CMAKE_CURRENT_SOURCE_DIR}
		${CMAKE_CURRENT_SOURCE_DIR}/../pam_firstops)
	target_compile_definitions(pam_${name} PRIVATE
		MODULE="$<TARGET_FILE:pam_firstops>"
		PROBE="$<TARGET_FILE:pam_probe>")
	set_target_properties(pam_${name} PROPERTIES OUTPUT_NAME ${name}
		ENABLE_EXPORTS ON # for what stands before libaudit's
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/pam)
	add_dependencies(pam_${name} pam_firstops pam_probe)
	add_test(NAME pam/${name} COMMAND pam_${name})
endfunction()

firstops_pam(account)
firstops_pam(answer ${CMAKE_CURRENT_SOURCE_DIR}/../pam_firstops/answer.c)
firstops_pam(arguments ${CMAKE_CURRENT_SOURCE_DIR}/../pam_firstops/arguments.c)
firstops_pam(auth)
# pam_unix calls crypt(3); a sanitizer's stand-in for it finds the real one
# only if the program itself is linked with it.
target_link_libraries(pam_auth PRIVATE -Wl,--no-as-needed crypt)
firstops_pam(conversation ${CMAKE_CURRENT_SOURCE_DIR}/support/cee.c)
firstops_pam(guest)
target_link_libraries(pam_guest PRIVATE m) # the rounding mode
firstops_pam(items ${CMAKE_CURRENT_SOURCE_DIR}/support/cee.c)
firstops_pam(module)
firstops_pam(phases ${CMAKE_CURRENT_SOURCE_DIR}/support/cee.c)
firstops_pam(reload)
add_executable(pam_host pam/host.c)
target_link_libraries(pam_host PRIVATE firstops_flags PkgConfig::PAM)
target_compile_definitions(pam_reload PRIVATE HOST="$<TARGET_FILE:pam_host>")
add_dependencies(pam_reload pam_host)
firstops_pam(session)
firstops_pam(threads ${CMAKE_CURRENT_SOURCE_DIR}/support/cee.c)
target_link_libraries(pam_threads PRIVATE Threads::Threads)
