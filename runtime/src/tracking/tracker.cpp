#include "edgecv/tracking/tracker.hpp"

#include <cmath>
#include <string>

#include "bundle/bundle_error.hpp"
#include "edgecv/boxes/boxes.hpp"
#include "tracking/seen.hpp"

namespace edgecv {
namespace {

void require(bool fits, const char* name, const char* expected, double got) {
  if (fits) return;
  throw Error(ErrorCode::invalid_input,
              std::string(name) + ": expected " + expected + ", got " + shortest_digits(got));
}

void check_options(const TrackerOptions& options) {
  if (options.thresholds.empty()) {
    throw Error(ErrorCode::invalid_input, "thresholds: expected one or more scores, got none");
  }
  const auto score = [](double value, const char* name) {
    require(value >= 0 && value <= 1, name, "a number from 0 to 1", value);
  };
  for (const float threshold : options.thresholds) score(threshold, "thresholds");
  score(options.low_threshold, "low_threshold");
  score(options.min_iou, "min_iou");
  require(options.confirm_hits >= 1, "confirm_hits", "1 or more", options.confirm_hits);
  require(options.lost_s >= 0 && options.lost_s <= 3600, "lost_s", "0 to 3600 seconds",
          options.lost_s);
  require(options.frame_rate >= 0.01 && options.frame_rate <= 1000, "frame_rate",
          "0.01 to 1000 frames per second", options.frame_rate);
}

bool all_finite(const float* box) {
  return std::isfinite(box[0]) && std::isfinite(box[1]) && std::isfinite(box[2]) &&
         std::isfinite(box[3]);
}

}  // namespace

Tracker::Tracker(TrackerOptions options) : options_(std::move(options)) { check_options(options_); }
Tracker::~Tracker() = default;

std::vector<std::int64_t> Tracker::update(const float* boxes, const float* scores,
                                          const std::int64_t* labels, std::size_t count,
                                          std::optional<double> time_s) {
  const double last_s = now_s_.value_or(0);
  const double time = time_s.value_or(now_s_ ? last_s + 1 / options_.frame_rate : 0);
  if (!std::isfinite(time) || (now_s_ && time < last_s)) {
    throw Error(ErrorCode::invalid_input, "time_s: expected a time of " + shortest_digits(last_s) +
                                              " or later, that of the frame before, got " +
                                              shortest_digits(time) +
                                              ": call reset() before another video");
  }
  const std::vector<float>& thresholds = options_.thresholds;
  std::vector<Seen> sure, unsure;
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint64_t>(labels[i]);
    if (thresholds.size() > 1 && label >= thresholds.size()) {
      throw Error(ErrorCode::invalid_input,
                  "labels: expected labels below " + std::to_string(thresholds.size()) +
                      ", the number of thresholds, got " + std::to_string(labels[i]));
    }
    const float* box = boxes + 4 * i;
    if (!all_finite(box) || !has_area(box)) continue;
    const Seen seen{{box[0], box[1], box[2], box[3]}, scores[i], labels[i], i};
    if (scores[i] > thresholds[thresholds.size() > 1 ? label : 0]) {
      sure.push_back(seen);
    } else if (scores[i] > options_.low_threshold) {
      unsure.push_back(seen);
    }
  }
  std::vector<std::int64_t> ids(count, -1);
  step(sure, unsure, now_s_ ? (time - last_s) * options_.frame_rate : 0, time, ids);
  now_s_ = time;
  return ids;
}

std::vector<std::int64_t> Tracker::update(const Detections& detections,
                                          std::optional<double> time_s) {
  return update(detections.boxes.data(), detections.scores.data(), detections.labels.data(),
                detections.scores.size(), time_s);
}

void Tracker::reset() {
  forget();
  now_s_.reset();
  last_id_ = 0;
}

}  // namespace edgecv
