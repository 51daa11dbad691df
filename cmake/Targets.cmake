# How our targets are made: one library a folder, warnings as errors.

set(UNDERSTUDY_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND UNDERSTUDY_WARNINGS -Wthread-safety)
endif()

function(understudy_options target)
  target_compile_options(${target} PRIVATE ${UNDERSTUDY_WARNINGS} -pthread)
  # A precompiled header from ccache is older or newer than the files that it was made of.
  target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  if(UNDERSTUDY_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${UNDERSTUDY_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${UNDERSTUDY_SANITIZE})
    # GCC finds uninitialised what its own instrumentation has made it lose sight of.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    # Debian's protobuf and Abseil were built without: their headers lay out classes differently where they see this.
    target_compile_options(${target} PRIVATE -U__SANITIZE_THREAD__)
  endif()
endfunction()

# What takes most of a file's compile time is reading the headers of gRPC, protobuf, Abseil and GoogleTest. They are compiled
# once for libraries and programs, and once for tests; every target takes them from there. Files still include what they use:
# tests/lint/includes.
if(UNDERSTUDY_PRECOMPILED_HEADERS)
  set(UNDERSTUDY_COMMON_HEADERS
      <algorithm> <cstdint> <functional> <map> <memory> <optional> <span> <string> <string_view> <utility> <vector>
      <grpcpp/grpcpp.h> <grpcpp/impl/codegen/sync_stream.h> <google/protobuf/map.h> <google/protobuf/message.h>
      <google/protobuf/generated_message_reflection.h> <google/protobuf/map_entry.h> <google/protobuf/map_field_inl.h>
      <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/time/clock.h> <absl/time/time.h>)
  add_library(understudy_common_headers OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cc)
  understudy_options(understudy_common_headers)
  target_link_libraries(understudy_common_headers PRIVATE gRPC::grpc++ protobuf::libprotobuf Threads::Threads)
  target_precompile_headers(understudy_common_headers PRIVATE ${UNDERSTUDY_COMMON_HEADERS})
endif()

# understudy_precompiled(TARGET HEADERS): TARGET is compiled with what HEADERS, a target, has precompiled.
function(understudy_precompiled target headers)
  if(TARGET ${headers})
    target_precompile_headers(${target} REUSE_FROM ${headers})
    # GCC 12 takes the short strings of a precompiled <string> for out of bounds.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
    # Both need equal flags, also where TARGET does without the library that brings one (Debian 13's protobuf: -DNOMINMAX).
    target_compile_options(${target} PRIVATE $<TARGET_PROPERTY:${headers},COMPILE_OPTIONS>)
  endif()
endfunction()

# understudy_library(NAME SOURCES … LIBRARIES …): a static library, its libraries public.
function(understudy_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  understudy_options(${name})
  understudy_precompiled(${name} understudy_common_headers)
  target_link_libraries(${name} PUBLIC ${ARG_LIBRARIES})
endfunction()

# understudy_program(NAME SOURCES … LIBRARIES …)
function(understudy_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  understudy_options(${name})
  understudy_precompiled(${name} understudy_common_headers)
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
endfunction()

# understudy_test(NAME [THREADS] [TOGETHER] SOURCES … LIBRARIES …): a GoogleTest program whose tests ctest knows one by one.
# THREADS: worth a run under ThreadSanitizer; such tests have the label `threads`, and the target thread_tests builds them
# all. TOGETHER: ctest knows them as one, as they share something that is dear to make; with sanitizers all do, where the start
# of a process takes longer than most tests.
function(understudy_test name)
  cmake_parse_arguments(ARG "THREADS;TOGETHER" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  understudy_options(${name})
  understudy_precompiled(${name} understudy_test_headers)
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set(labels unit)
  if(ARG_THREADS)
    set(labels threads)
    add_dependencies(thread_tests ${name})
  endif()
  if(ARG_TOGETHER OR UNDERSTUDY_SANITIZE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS ${labels})
  else()
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120 LABELS ${labels})
  endif()
endfunction()

# understudy_fuzzer(NAME SOURCES … LIBRARIES …): a program around LLVMFuzzerTestOneInput. With fuzzer-no-link among the sanitizers
# it fuzzes, for tests/fuzz/run, and the target fuzzers builds them all; without, it is a test that replays
# tests/fuzz/corpus/NAME.
function(understudy_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name}_fuzzer ${ARG_SOURCES})
  understudy_options(${name}_fuzzer)
  understudy_precompiled(${name}_fuzzer understudy_common_headers)
  target_link_libraries(${name}_fuzzer PRIVATE ${ARG_LIBRARIES})
  set_target_properties(${name}_fuzzer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  if(UNDERSTUDY_SANITIZE MATCHES fuzzer)
    target_link_options(${name}_fuzzer PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name}_fuzzer)
  else()
    target_link_libraries(${name}_fuzzer PRIVATE understudy_fuzz_replay)
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzzer ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()

# understudy_vector_kernels(TARGET SOURCE NAME): adds SOURCE to a library once for each instruction set, as the tables
# kBaseline<NAME>, kAvx2<NAME> and kAvx512<NAME>; the source calls its own UNDERSTUDY_KERNELS. No contraction: versions are to
# round alike. -O3 in every preset: only optimised are they fit for use.
function(understudy_vector_kernels target source name)
  function(one_version instruction_set table)
    add_library(${target}_${instruction_set} OBJECT ${source})
    understudy_options(${target}_${instruction_set})
    target_compile_options(${target}_${instruction_set} PRIVATE -O3 -ffp-contract=off -fno-math-errno ${ARGN})
    target_compile_definitions(${target}_${instruction_set}
      PRIVATE UNDERSTUDY_KERNELS=${table} UNDERSTUDY_INSTRUCTION_SET="${instruction_set}")
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${instruction_set}>)
  endfunction()
  one_version(baseline kBaseline${name})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    one_version(avx2 kAvx2${name} -mavx2 -mfma)
    one_version(avx512 kAvx512${name} -mavx512f -mavx2 -mfma)
  endif()
endfunction()
