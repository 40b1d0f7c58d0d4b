# firstops_unit(NAME): tests/unit/NAME.c, linked with the static libraries.
function(firstops_unit name)
	add_executable(unit_${name} unit/${name}.c ${RUNNER})
	target_link_libraries(unit_${name} PRIVATE firstops_host
		PkgConfig::CRITERION ${ARGN})
	target_include_directories(unit_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	target_compile_definitions(unit_${name} PRIVATE
		TEST_VECTORS="${CMAKE_CURRENT_SOURCE_DIR}/vectors")
	set_target_properties(unit_${name} PROPERTIES
		OUTPUT_NAME ${name}
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/unit)
	add_test(NAME unit/${name} COMMAND unit_${name})
endfunction()

# System calls that fail as a test says: tests/support/failing.h.
add_library(test_failing STATIC support/failing.c)
target_compile_definitions(test_failing PRIVATE _GNU_SOURCE)
target_link_libraries(test_failing PUBLIC PkgConfig::CRITERION)
firstops_wrap(test_failing support/failing.c
	clock_gettime connect fchmod fchmodat fchown fdopendir flock fstat
	fstatat fsync getrandom linkat lstat mkdirat mknodat newlocale openat
	poll read readdir readlinkat recv renameat renameat2 send sendmsg
	socket symlinkat unlinkat write)

firstops_unit(b64url)
firstops_unit(buf)
firstops_unit(diag)
firstops_unit(frame test_failing Threads::Threads)
firstops_unit(safeopen test_failing)
firstops_unit(stamp test_failing)
firstops_unit(target)
firstops_unit(challenge test_failing)
firstops_unit(askpass askpass_parts)
firstops_unit(sandbox signer_parts Threads::Threads)
firstops_unit(signer signer_parts test_forge test_failing)

# Stores of tests' own: tests/support/store_fixture.h.
add_library(test_store_fixture STATIC support/store_fixture.c)
target_link_libraries(test_store_fixture PUBLIC firstops_host
	PkgConfig::CRITERION)

firstops_unit(names)
firstops_unit(rfc3339)
firstops_unit(glob)
firstops_unit(source)
firstops_unit(node)
firstops_unit(config test_sweep)
firstops_unit(principal)
firstops_unit(group)
firstops_unit(path)
firstops_unit(policy)
firstops_unit(store test_store_fixture test_failing)
firstops_unit(shelf test_store_fixture test_failing)
firstops_unit(store_write test_store_fixture test_failing)

# Clocks and folders of tests' own, and a strict look at events:
# tests/support/machine.h, cee.h.
add_library(test_machine STATIC support/cee.c support/machine.c
	support/record.c)
target_include_directories(test_machine PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(test_machine PUBLIC firstops_host
	PkgConfig::CRITERION)

firstops_unit(folder test_machine test_failing)
firstops_unit(replay test_machine test_failing)
firstops_unit(replay_kept test_machine test_failing)
firstops_unit(replay_race test_machine)

# Proofs right and wrong, signed with a key that everybody knows.
add_library(test_forge STATIC support/forge.c)
target_include_directories(test_forge PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(test_forge PUBLIC firstops_static)

firstops_unit(error)
firstops_unit(json test_failing)
firstops_unit(clock test_failing)
firstops_unit(isolation test_forge PkgConfig::CRYPTO)
firstops_unit(jwk test_forge)
firstops_unit(key test_forge Threads::Threads)
# Where OpenSSL would look for its provider "pkcs11".
add_library(token_provider MODULE support/token_provider.c)
set_target_properties(token_provider PROPERTIES PREFIX ""
	OUTPUT_NAME pkcs11 LIBRARY_OUTPUT_DIRECTORY support)
target_link_libraries(token_provider PRIVATE firstops_flags)
firstops_unit(key_device test_sweep firstops_static PkgConfig::CRYPTO
	Threads::Threads)
target_compile_definitions(unit_key_device PRIVATE
	BUILT="${CMAKE_BINARY_DIR}"
	$<$<BOOL:${CMAKE_CROSSCOMPILING}>:OUR_SOFTHSM="/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/softhsm/libsofthsm2.so">)
add_dependencies(unit_key_device token_provider)
firstops_unit(proof_check test_forge)
firstops_unit(ticket firstopsd_parts)
firstops_unit(proof_parse test_forge)
firstops_unit(proof_sign test_forge)
firstops_unit(vectors PkgConfig::JANSSON)
firstops_unit(event test_machine)
firstops_unit(event_read)
firstops_unit(seal test_forge)
firstops_unit(audit test_machine test_failing)
firstops_unit(session test_machine test_failing)
firstops_unit(process test_failing)
firstops_unit(kin test_machine test_failing)

# A host where somebody logs in: tests/support/place.h.
add_library(test_place STATIC support/place.c)
target_link_libraries(test_place PUBLIC test_machine test_forge
	test_store_fixture)

firstops_unit(decide test_place)
firstops_unit(decide_kept test_place test_failing)
firstops_unit(act test_place)
firstops_unit(conformance PkgConfig::JANSSON)
firstops_unit(command PkgConfig::JANSSON)
firstops_unit(shell)

# Each call that can fail, failing in turn: tests/support/sweep.h. faults.c is
# linked in with the fuzz targets' other parts (fuzz/fuzz.cmake).
add_library(test_sweep STATIC support/sweep.c)
target_link_libraries(test_sweep PUBLIC test_machine fuzz_parts)

firstops_unit(sweep_host test_place test_sweep)
firstops_unit(sweep_sdk test_forge test_sweep)

# A service that calls the module with a stand-in for libpam, and what the
# module's parts do there when calls fail: tests/support/service.h.
add_library(test_service STATIC support/service.c)
target_link_libraries(test_service PUBLIC test_store_fixture test_sweep)
target_include_directories(test_service PUBLIC
	${PROJECT_SOURCE_DIR}/pam_firstops)

firstops_unit(sweep_module test_service)
firstops_unit(login test_service test_machine)
firstops_unit(module test_service test_machine)

# What the sudo plugin is made of, where it is built at all.
if(TARGET sudo_parts)
	firstops_unit(sudo sudo_parts)
endif()
