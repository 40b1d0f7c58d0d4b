# firstops_wrap(LIBRARY SOURCE CALL...): a program that is linked with LIBRARY
# has the linker send these calls to __wrap_CALL in SOURCE, which knows the real
# one as __real_CALL.

# With 32 bits the C library's functions of 64-bit times and offsets have other
# names in object files than in sources.
set(RENAMED clock_gettime=__clock_gettime64 fcntl=__fcntl_time64
	fstat=__fstat64_time64 fstatat=__fstatat64_time64 ftruncate=ftruncate64
	lstat=__lstat64_time64 mkostemp=mkostemp64 open=open64 openat=openat64
	pwrite=pwrite64 readdir=readdir64 sendmsg=__sendmsg64
	sigtimedwait=__sigtimedwait64 statfs=statfs64)

function(firstops_wrap library source)
	set(names ${CMAKE_CURRENT_BINARY_DIR}/${library}_names.h)
	set(text)
	foreach(call ${ARGN})
		target_link_options(${library} INTERFACE -Wl,--wrap=${call})
		if(CMAKE_SIZEOF_VOID_P EQUAL 4 AND
		   ";${RENAMED};" MATCHES ";${call}=([^;]+);")
			set(other ${CMAKE_MATCH_1})
			target_link_options(${library} INTERFACE
				-Wl,--wrap=${other})
			string(APPEND text
				"__asm__(\".globl __wrap_${other}\\n\\t\"\n"
				"\t\".set __wrap_${other}, __wrap_${call}\\n\\t\"\n"
				"\t\".set __real_${call}, __real_${other}\");\n")
		endif()
	endforeach()
	if(text)
		file(CONFIGURE OUTPUT ${names} CONTENT "${text}" @ONLY)
		set_source_files_properties(${source} PROPERTIES
			COMPILE_OPTIONS "-include;${names}"
			OBJECT_DEPENDS ${names})
	endif()
endfunction()
