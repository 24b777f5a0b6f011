#include "image/channel_map.hpp"

#include <cstddef>

namespace edgecv {

ChannelMap channel_map(const InputSpec& spec, const PackedFormat& format) {
  ChannelMap map;
  map.count = spec.channels();
  for (int c = 0; c < map.count; ++c) {
    const auto i = static_cast<std::size_t>(c);
    map.lane[i] = format.rgb[spec.color == Color::bgr ? 2 - i : i];
    map.gain[i] = static_cast<float>(spec.scale / spec.std[i]);
    map.offset[i] = static_cast<float>(-spec.mean[i] / spec.std[i]);
  }
  return map;
}

}  // namespace edgecv
