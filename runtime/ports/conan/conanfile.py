"""For Conan 2, from a checkout: `conan create runtime/ports/conan --build=missing`."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir


class EdgecvConan(ConanFile):
    name = "edgecv"
    license = "Apache-2.0"
    description = "Runs vision models at the edge"
    package_type = "library"
    settings = ("os", "arch", "compiler", "build_type")
    options = {"shared": [True, False], "fPIC": [True, False]}  # noqa: RUF012, Conan's own form
    default_options = {"shared": False, "fPIC": True}  # noqa: RUF012
    implements = ("auto_shared_fpic",)

    @property
    def _repository(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        header = os.path.join(self._repository, "runtime/include/edgecv/version.hpp")
        self.version = re.search(r'define EDGECV_VERSION "(.*)"', load(self, header))[1]

    def export_sources(self):
        source = os.path.join(self._repository, "runtime")
        target = os.path.join(self.export_sources_folder, "runtime")
        copy(self, "CMakeLists.txt", source, target)
        for folder in ("cmake", "engines", "include", "licenses", "old_paths", "src"):
            copy(self, f"{folder}/*", source, target)
        copy(self, "LICENSE", self._repository, self.export_sources_folder)

    def layout(self):
        cmake_layout(self, src_folder="runtime")

    def validate(self):
        check_min_cppstd(self, 17)

    def requirements(self):
        self.requires("nlohmann_json/[>=3.7 <4]", visible=False)
        self.requires("zlib/[>=1.2.11 <2]")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install(component="cpp")
        folder = self.package_folder
        licenses = os.path.join(folder, "share", "licenses", "edgecv")
        copy(self, "*", licenses, os.path.join(folder, "licenses"))
        for generated in ("share", "lib/cmake", "lib/pkgconfig"):  # Conan writes its own
            rmdir(self, os.path.join(folder, generated))

    def package_info(self):
        self.cpp_info.libs = ["edgecv"]
        self.cpp_info.set_property("cmake_file_name", "edgecv")
        self.cpp_info.set_property("cmake_target_name", "edgecv::edgecv")
        self.cpp_info.set_property("pkg_config_name", "edgecv")
        if self.options.shared:
            self.cpp_info.defines = ["EDGECV_SHARED"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread", "m"]
