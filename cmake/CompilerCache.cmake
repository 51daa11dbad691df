# ccache and mold, where they are installed.
find_program(UNDERSTUDY_CCACHE ccache)
if(UNDERSTUDY_CCACHE)
  # Precompiled headers need the sloppiness; the base directory lets two checkouts share what they compile.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${UNDERSTUDY_CCACHE})
endif()

find_program(UNDERSTUDY_MOLD mold)
if(UNDERSTUDY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
