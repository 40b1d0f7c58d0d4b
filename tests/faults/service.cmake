# A service that gets into trouble, and what is put into its way.
set(SERVICE ${CMAKE_CURRENT_BINARY_DIR}/faults)

add_executable(faults_service faults/service.c faults/trouble.c)
target_link_libraries(faults_service PRIVATE firstops_flags PkgConfig::PAM
	PkgConfig::CRYPTO)
set_target_properties(faults_service PROPERTIES OUTPUT_NAME service
	RUNTIME_OUTPUT_DIRECTORY ${SERVICE})

foreach(name engine clock)
	add_library(faults_${name} MODULE faults/${name}.c)
	target_link_libraries(faults_${name} PRIVATE firstops_flags)
	set_target_properties(faults_${name} PROPERTIES PREFIX ""
		OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${SERVICE})
endforeach()
target_link_libraries(faults_engine PRIVATE PkgConfig::CRYPTO)
