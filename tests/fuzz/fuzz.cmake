# Fuzz targets. The preset fuzz (clang) builds one libFuzzer program for each,
# by the target "fuzz"; every other preset builds replay, which runs them all
# on the seeds of corpus/.

# What faults.c and the module's stand-in for libpam take the place of; a lint
# knows what else of libc and libcrypto our code calls, and that it never fails.
set(FUZZ_WRAPPED
	malloc calloc realloc reallocarray strdup strndup asprintf __asprintf_chk
	read write pwrite ftruncate fstat lstat fstatat readlink readlinkat
	statfs tsearch mknodat
	mkdirat unlinkat linkat symlinkat renameat renameat2 fsync fchmod
	faccessat fchmodat fchown fdopendir flock socket connect sendmsg poll
	readdir access mkdir mkostemp rename unlink realpath getpwuid newlocale
	clock_gettime pthread_sigmask sigpending sigtimedwait getrandom open
	openat close fcntl pthread_mutex_init pthread_mutex_lock
	OSSL_LIB_CTX_new BN_CTX_new_ex BN_CTX_secure_new_ex BN_CTX_get
	BN_CTX_end BN_bin2bn BN_bn2binpad BN_mod_add BN_mod_mul BN_mod_sqr
	BN_dup BN_sub_word BN_mod_exp_mont BN_nnmod EC_GROUP_get_curve
	EC_GROUP_new_by_curve_name_ex EC_POINT_new EC_POINT_mul
	EC_POINT_oct2point EC_POINT_point2oct EC_POINT_get_affine_coordinates
	EVP_Q_digest EVP_PKEY_CTX_new_from_name EVP_PKEY_CTX_new_from_pkey
	EVP_PKEY_keygen_init EVP_PKEY_CTX_set_params EVP_PKEY_generate
	EVP_PKEY_get_group_name EVP_PKEY_get_int_param d2i_ECDSA_SIG
	SHA256_Init SHA256_Update SHA256_Final OSSL_DECODER_CTX_set_passphrase
	EVP_PKEY_check EVP_PKEY_sign_init EVP_PKEY_sign EVP_PKEY_get_bn_param
	EVP_PKEY_is_a EVP_PKEY_get_params OSSL_PARAM_get_BN
	OSSL_DECODER_CTX_new_for_pkey OSSL_DECODER_from_data
	OSSL_ENCODER_CTX_new_for_pkey OSSL_ENCODER_to_data
	OSSL_PROVIDER_load OSSL_STORE_open_ex UI_UTIL_wrap_read_pem_callback
	OSSL_DECODER_CTX_set_pem_password_cb i2d_PUBKEY d2i_PUBKEY_ex
	PKCS5_PBKDF2_HMAC RAND_bytes)

set(FUZZ_TARGETS askpass challenge claims command config event glob group jwk
	line login module pem policy principal proof record signer target targets)
list(TRANSFORM FUZZ_TARGETS PREPEND fuzz/ OUTPUT_VARIABLE fuzz_sources)
list(TRANSFORM fuzz_sources APPEND .c)
file(GLOB fuzz_module_sources ${PROJECT_SOURCE_DIR}/pam_firstops/*.c)

# All targets, the module's own code included, which here finds a libpam of
# ours; built with sanitizers for coverage where the preset says so.
add_library(fuzz_parts STATIC EXCLUDE_FROM_ALL ${fuzz_sources}
	fuzz/fuzz.c fuzz/faults.c fuzz/folder.c fuzz/pam.c fuzz/reading.c
	fuzz/reference.c fuzz/sign.c ${fuzz_module_sources}
	${PROJECT_SOURCE_DIR}/tools/fo/targets.c
	${PROJECT_SOURCE_DIR}/tools/fo/file.c)
target_include_directories(fuzz_parts PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}
	PRIVATE ${PROJECT_SOURCE_DIR}/pam_firstops
	$<TARGET_PROPERTY:PkgConfig::PAM,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(fuzz_parts PUBLIC firstops_host askpass_parts signer_parts
	test_forge
	PkgConfig::JANSSON PkgConfig::CRYPTO PkgConfig::YAML)
firstops_wrap(fuzz_parts fuzz/faults.c ${FUZZ_WRAPPED})

if(FIRSTOPS_SANITIZE MATCHES fuzzer)
	add_custom_target(fuzz)
	foreach(name ${FUZZ_TARGETS})
		add_executable(fuzz_${name} EXCLUDE_FROM_ALL fuzz/driver.c)
		target_compile_definitions(fuzz_${name} PRIVATE
			FUZZ_TARGET=fuzz_on_${name})
		target_link_libraries(fuzz_${name} PRIVATE fuzz_parts)
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
		set_target_properties(fuzz_${name} PROPERTIES
			OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
			${CMAKE_CURRENT_BINARY_DIR}/fuzz)
		add_dependencies(fuzz fuzz_${name})
	endforeach()
else()
	add_executable(fuzz_replay fuzz/replay.c)
	target_compile_definitions(fuzz_replay PRIVATE
		FUZZ_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus")
	target_link_libraries(fuzz_replay PRIVATE fuzz_parts)
	set_target_properties(fuzz_replay PROPERTIES OUTPUT_NAME replay
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fuzz)
	add_test(NAME fuzz/replay COMMAND fuzz_replay)
endif()
