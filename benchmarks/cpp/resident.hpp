// What a program has used, as the kernel counts it.
#pragma once

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

/// The most memory that was resident at once, in MB.
inline double most_resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

/// Prints the time since `start`, in seconds, and the memory.
inline void print_cost(std::chrono::steady_clock::time_point start) {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::printf("%.6f %.1f\n", elapsed.count(), most_resident_mb());
}
