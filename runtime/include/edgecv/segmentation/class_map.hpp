// From the logits of a whole image to the class of each of its pixels.
//
//   const std::vector<float> logits(2 * 16 * 16);  // two classes
//   const edgecv::Geometry geometry{{64, 64}, {64, 64}, {64, 64}};
//   edgecv::Segmentation map = edgecv::upsample_argmax(logits.data(), 2, {16, 16}, geometry,
//   "logits",
//                                                      edgecv::ThreadPool::global());
#pragma once

#include "edgecv/export.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/segmentation/segment.hpp"
#include "edgecv/threads/thread_pool.hpp"

namespace edgecv {

/// The class with the largest logit at each pixel of the image; of equal ones the lowest.
/// `logits` [classes, cells.height, cells.width] cover the tensor of `geometry`. A pixel's logits
/// are interpolated bilinearly with half-pixel centres (torch's align_corners=False) at its place
/// in the tensor: for an image that goes in as it is these are the pixels of
/// torch.nn.functional.interpolate(logits, size=tensor size).argmax(0), to rounding. Upsampling and
/// argmax are one pass; no [classes, H, W] is held. Throws Error (engine) if a logit that counts is
/// NaN or infinite; `output` is then the name in the message.
EDGECV_API Segmentation upsample_argmax(const float* logits, int classes, Size cells,
                                        const Geometry& geometry, const std::string& output,
                                        Executor& pool, Segmentation memory = {});

/// The same with `probabilities`, the score function of each pixel's logits.
EDGECV_API Segmentation upsample_scores(const float* logits, int classes, Size cells,
                                        const Geometry& geometry, ScoreFunction function,
                                        const std::string& output, Executor& pool,
                                        Segmentation memory = {});

}  // namespace edgecv
