# What happens to the store while it is read and written.

# Disturbs one system call of any program.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|aarch64)$")
	add_executable(faults_calls faults/calls.c)
	target_link_libraries(faults_calls PRIVATE firstops_flags)
	set_target_properties(faults_calls PROPERTIES OUTPUT_NAME calls
		RUNTIME_OUTPUT_DIRECTORY ${FAULTS})
endif()

# Reads a store that another process changes.
add_executable(faults_swap faults/swap.c)
target_link_libraries(faults_swap PRIVATE firstops_host)
set_target_properties(faults_swap PROPERTIES OUTPUT_NAME swap
	RUNTIME_OUTPUT_DIRECTORY ${FAULTS})

# Reads damaged files.
add_executable(faults_torn faults/torn.c)
target_link_libraries(faults_torn PRIVATE firstops_host)
set_target_properties(faults_torn PROPERTIES OUTPUT_NAME torn
	RUNTIME_OUTPUT_DIRECTORY ${FAULTS})
