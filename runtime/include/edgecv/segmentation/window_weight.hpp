// How much each pixel of a window counts where windows overlap.
//
//   edgecv::CropWindows windows{{512, 512}, 0.5};
//   windows.weight = edgecv::WindowWeight::gaussian;
#pragma once

namespace edgecv {

/// w(y, x) = g(y) g(x) with, for a side of n pixels and c = (n - 1) / 2,
///   uniform   g(i) = 1
///   gaussian  g(i) = exp(-((i - c) / (n / 8))^2 / 2), and w is at least 0.001: MONAI's
///             compute_importance_map with sigma_scale 0.125
///   linear    g(i) = 1 - |i - c| / ((n + 1) / 2)
enum class WindowWeight { uniform, gaussian, linear };

constexpr float least_gaussian_weight = 1e-3f;

}  // namespace edgecv
