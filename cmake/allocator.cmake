# clew_allocator(TARGET): links jemalloc with clew's settings into a program. Batches and row groups are made and let go
# all the time; glibc gives their memory back to the kernel at once and pays for it again by page faults (40 % of the
# cost of decoding _bulk). Sanitizers bring their own allocator.
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
function(clew_allocator target)
  if(NOT CLEW_SANITIZE)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/allocator.c)
    target_link_libraries(${target} PRIVATE PkgConfig::JEMALLOC)
  endif()
endfunction()
