# Where a wheel has what C++ applications need; `python -m edgecv --cmake-dir` says it.
set(EDGECV_WHEEL_CPP edgecv_runtime/cpp)
set(CMAKE_INSTALL_LIBDIR ${EDGECV_WHEEL_CPP}/lib)
set(CMAKE_INSTALL_BINDIR ${EDGECV_WHEEL_CPP}/bin)
set(CMAKE_INSTALL_INCLUDEDIR ${EDGECV_WHEEL_CPP}/include)
set(CMAKE_INSTALL_DATADIR ${EDGECV_WHEEL_CPP}/share)
