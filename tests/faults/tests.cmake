# Helpers of the fault tests, tests/faults/test_*.py.
set(FAULTS ${CMAKE_CURRENT_BINARY_DIR}/faults)

# Refuses memory: linked into the program whose logins are disturbed, and
# loaded before the tools.
add_library(faults_alloc OBJECT faults/alloc.c)
target_link_libraries(faults_alloc PRIVATE firstops_flags)
add_library(faults_alloc_so MODULE $<TARGET_OBJECTS:faults_alloc>)
target_link_libraries(faults_alloc_so PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(faults_alloc_so PROPERTIES PREFIX "" OUTPUT_NAME alloc
	LIBRARY_OUTPUT_DIRECTORY ${FAULTS})

add_library(faults_window MODULE faults/window.c)
target_link_libraries(faults_window PRIVATE firstops_flags PkgConfig::PAM
	${CMAKE_DL_LIBS})
set_target_properties(faults_window PROPERTIES PREFIX "" OUTPUT_NAME window
	LIBRARY_OUTPUT_DIRECTORY ${FAULTS})

# What disturbs system calls knows the registers of some processors.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64)$")
	add_executable(faults_login faults/login.c faults/tracer.c
		$<TARGET_OBJECTS:faults_alloc>)
	target_link_libraries(faults_login PRIVATE firstops_host PkgConfig::PAM
		${CMAKE_DL_LIBS})
	set_target_properties(faults_login PROPERTIES OUTPUT_NAME login
		ENABLE_EXPORTS ON RUNTIME_OUTPUT_DIRECTORY ${FAULTS})
endif()

include(${CMAKE_CURRENT_LIST_DIR}/store.cmake)
