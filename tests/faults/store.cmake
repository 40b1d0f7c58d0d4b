# What happens to the store while it is read and written.

# Disturbs one system call of any program.
add_executable(faults_calls faults/calls.c)
target_link_libraries(faults_calls PRIVATE firstops_flags)
set_target_properties(faults_calls PROPERTIES OUTPUT_NAME calls
	RUNTIME_OUTPUT_DIRECTORY ${FAULTS})
