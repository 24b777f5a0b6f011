// Everything at once.
#pragma once

#include "edgecv/anchors.hpp"
#include "edgecv/boxes.hpp"
#include "edgecv/bundle.hpp"
#include "edgecv/detections.hpp"
#include "edgecv/detector.hpp"
#include "edgecv/engine.hpp"
#include "edgecv/error.hpp"
#include "edgecv/image.hpp"
#include "edgecv/input_spec.hpp"
#include "edgecv/manifest.hpp"
#include "edgecv/matching.hpp"
#include "edgecv/nms.hpp"
#include "edgecv/preprocess.hpp"
#include "edgecv/ssd.hpp"
#include "edgecv/tensor.hpp"
#include "edgecv/thread_pool.hpp"
