# An overlay port of this checkout: vcpkg install edgecv --overlay-ports=runtime/ports/vcpkg
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../../.." ABSOLUTE)

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}/runtime")
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME edgecv CONFIG_PATH lib/cmake/edgecv)
vcpkg_fixup_pkgconfig()
vcpkg_copy_pdbs()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/runtime/licenses/nlohmann-json.txt")
