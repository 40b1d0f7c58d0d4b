# firstops_unit(NAME): tests/unit/NAME.c, linked with the static libraries.
function(firstops_unit name)
	add_executable(unit_${name} unit/${name}.c)
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

firstops_unit(b64url)
firstops_unit(buf)
firstops_unit(diag)
firstops_unit(safeopen)
firstops_unit(target)
firstops_unit(challenge)
firstops_unit(askpass askpass_parts)
