// Detects objects on each frame of a camera, video or stream, which OpenCV reads, until it ends.
//
// camera_opencv BUNDLE SOURCE [OUT.avi]
//
// SOURCE is the number of a camera, a file or an address. Frames are read in place.
#include <cctype>
#include <cstdio>
#include <string>

#include <edgecv/edgecv.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

int main(int count, char** arguments) {
  if (count < 3 || count > 4) {
    std::fprintf(stderr, "usage: camera_opencv BUNDLE SOURCE [OUT.avi]\n");
    return 2;
  }
  try {
    auto detector = edgecv::load<edgecv::Detector>(arguments[1]);
    const std::string source = arguments[2];
    // What goes wrong is said here, in one line.
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::VideoCapture capture;
    const bool number = source.size() == 1 && std::isdigit(static_cast<unsigned char>(source[0]));
    if (!(number ? capture.open(source[0] - '0') : capture.open(source))) {
      std::fprintf(stderr, "camera_opencv: the source cannot be opened\n");
      return 2;
    }
    cv::VideoWriter writer;
    cv::Mat frame;
    for (int index = 0; capture.read(frame); ++index) {
      const edgecv::Image image{frame.data, frame.rows, frame.cols,
                                static_cast<std::ptrdiff_t>(frame.step), edgecv::PixelFormat::bgr};
      const edgecv::Detections found = detector(image);
      std::printf("frame %d: %zu objects\n", index, found.size());
      if (count < 4) continue;
      for (const edgecv::Detection& object : found) {
        const cv::Point first(int(object.box[0]), int(object.box[1]));
        cv::rectangle(frame, first, {int(object.box[2]), int(object.box[3])}, {0, 220, 0}, 2);
        cv::putText(frame, detector.label(object.label), first + cv::Point(3, 14),
                    cv::FONT_HERSHEY_SIMPLEX, 0.45, {0, 220, 0});
      }
      if (!writer.isOpened() &&
          !writer.open(arguments[3], cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 25,
                       frame.size())) {
        std::fprintf(stderr, "camera_opencv: %s cannot be written\n", arguments[3]);
        return 2;
      }
      writer.write(frame);
    }
  } catch (const edgecv::Error& error) {
    std::fprintf(stderr, "camera_opencv: %s\n", error.what());
    return 2;
  }
}
