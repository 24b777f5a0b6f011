// Everything but the engines, which are libraries of their own. A quick start:
//
//   #include "edgecv/edgecv.hpp"
//   #include "edgecv/engine/openvino.hpp"  // or an edgecv::Engine of yours
//
//   const edgecv::Bundle bundle = edgecv::Bundle::open("street");
//   edgecv::Detector detector(bundle, std::make_shared<edgecv::OpenVinoEngine>(bundle, "main"));
//   const std::vector<std::uint8_t> bgr(480 * 640 * 3);  // or a frame of OpenCV, GStreamer, V4L2
//   const edgecv::Image image{bgr.data(), 480, 640, 640 * 3, edgecv::PixelFormat::bgr};
//   const edgecv::Detections found = detector(image);
//   for (std::size_t i = 0; i < found.scores.size(); ++i) {
//     const float* box = &found.boxes[4 * i];  // x1, y1, x2, y2 in pixels of the image
//     std::printf("%s %.2f at %g, %g\n", bundle.manifest().labels[found.labels[i]].c_str(),
//                 found.scores[i], box[0], box[1]);
//   }
//
// Models of the other tasks: Classifier, TwoStageDetector, SemanticSegmenter, Stylizer. Folders:
//
// - bundle/: what is on disk, checked; engine/: what runs a graph; image/: from pixels to tensors
// - classification/, detection/, masks/, segmentation/, style/: a task each, with its model
// - tracking/, zones/: which detection is which object from frame to frame, and where it goes
// - boxes/, scores/, threads/: what the tasks share
#pragma once

#include "edgecv/boxes/anchors.hpp"
#include "edgecv/boxes/boxes.hpp"
#include "edgecv/boxes/grid_anchors.hpp"
#include "edgecv/boxes/matching.hpp"
#include "edgecv/boxes/nms.hpp"
#include "edgecv/bundle/bundle.hpp"
#include "edgecv/bundle/bytes.hpp"
#include "edgecv/bundle/graph_check.hpp"
#include "edgecv/bundle/hashed_file.hpp"
#include "edgecv/bundle/manifest.hpp"
#include "edgecv/bundle/source.hpp"
#include "edgecv/classification/classifier.hpp"
#include "edgecv/classification/classify.hpp"
#include "edgecv/detection/box_head.hpp"
#include "edgecv/detection/dense.hpp"
#include "edgecv/detection/detections.hpp"
#include "edgecv/detection/detector.hpp"
#include "edgecv/detection/rcnn.hpp"
#include "edgecv/detection/rpn.hpp"
#include "edgecv/detection/ssd.hpp"
#include "edgecv/detection/tiles.hpp"
#include "edgecv/detection/two_stage_detector.hpp"
#include "edgecv/engine/conformance.hpp"
#include "edgecv/engine/engine.hpp"
#include "edgecv/engine/engine_library.hpp"
#include "edgecv/engine/offer.hpp"
#include "edgecv/engine/registry.hpp"
#include "edgecv/engine/tensor.hpp"
#include "edgecv/engine/timing.hpp"
#include "edgecv/error.hpp"
#include "edgecv/export.hpp"
#include "edgecv/image/image.hpp"
#include "edgecv/image/input_spec.hpp"
#include "edgecv/image/preprocess.hpp"
#include "edgecv/image/sliding_windows.hpp"
#include "edgecv/load/choice.hpp"
#include "edgecv/load/load.hpp"
#include "edgecv/load/model_info.hpp"
#include "edgecv/load/options.hpp"
#include "edgecv/log.hpp"
#include "edgecv/masks/masks.hpp"
#include "edgecv/scores/score_function.hpp"
#include "edgecv/segmentation/class_map.hpp"
#include "edgecv/segmentation/segment.hpp"
#include "edgecv/segmentation/semantic_segmenter.hpp"
#include "edgecv/segmentation/window_blend.hpp"
#include "edgecv/segmentation/window_weight.hpp"
#include "edgecv/style/stylize.hpp"
#include "edgecv/style/stylizer.hpp"
#include "edgecv/threads/call_queue.hpp"
#include "edgecv/threads/executor.hpp"
#include "edgecv/threads/setting.hpp"
#include "edgecv/threads/submit.hpp"
#include "edgecv/threads/thread_pool.hpp"
#include "edgecv/tracking/assignment.hpp"
#include "edgecv/tracking/byte_track.hpp"
#include "edgecv/tracking/oc_sort.hpp"
#include "edgecv/tracking/tracker.hpp"
#include "edgecv/version.hpp"
#include "edgecv/zones/zone_counter.hpp"

// Engines that the program is linked with; they register themselves.
#ifdef EDGECV_HAS_ONNXRUNTIME
#include "edgecv/engine/onnxruntime.hpp"
#endif
#ifdef EDGECV_HAS_OPENVINO
#include "edgecv/engine/openvino.hpp"
#endif
