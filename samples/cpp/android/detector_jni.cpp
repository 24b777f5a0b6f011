// Detection in an Android application: the bundle is read from the application's assets, frames
// come from CameraX with ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888, read in place.
//
//   class Detector(assets: AssetManager, bundle: String) {
//     private val handle = open(assets, bundle)
//     external fun open(assets: AssetManager, bundle: String): Long
//     /** x1, y1, x2, y2, score, label of each object. */
//     external fun detect(handle: Long, rgba: ByteBuffer, height: Int, width: Int, stride: Int):
//     FloatArray external fun close(handle: Long)
//   }
#include <android/asset_manager.h>
#include <android/asset_manager_jni.h>
#include <jni.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <edgecv/edgecv.hpp>

namespace {

void throw_java(JNIEnv* env, const char* message) {
  env->ThrowNew(env->FindClass("java/lang/IllegalStateException"), message);
}

/// All files of a folder of the assets. They stay mapped as long as the bundle needs them.
edgecv::MemoryFiles read_assets(AAssetManager* manager, const std::string& folder) {
  edgecv::MemoryFiles files;
  AAssetDir* directory = AAssetManager_openDir(manager, folder.c_str());
  while (const char* name = AAssetDir_getNextFileName(directory)) {
    AAsset* asset = AAssetManager_open(manager, (folder + "/" + name).c_str(), AASSET_MODE_BUFFER);
    if (asset == nullptr) continue;
    const std::shared_ptr<AAsset> owner(asset, AAsset_close);
    files[name] = edgecv::Bytes{AAsset_getBuffer(asset),
                                static_cast<std::size_t>(AAsset_getLength64(asset)), owner};
  }
  AAssetDir_close(directory);
  return files;
}

}  // namespace

extern "C" JNIEXPORT jlong JNICALL Java_org_example_Detector_open(JNIEnv* env, jobject,
                                                                  jobject assets, jstring bundle) {
  try {
    const char* text = env->GetStringUTFChars(bundle, nullptr);
    if (text == nullptr) return 0;  // out of memory: Java has the exception
    const std::string folder = text;
    env->ReleaseStringUTFChars(bundle, text);
    edgecv::Options options;
    options.engine = "onnxruntime";
    options.threads = 4;  // the large cores
    const edgecv::BundleSource source(read_assets(AAssetManager_fromJava(env, assets), folder),
                                      folder);
    auto detector =
        std::make_unique<edgecv::Detector>(edgecv::load<edgecv::Detector>(source, options));
    return reinterpret_cast<jlong>(detector.release());
  } catch (const std::exception& error) {
    throw_java(env, error.what());
    return 0;
  }
}

extern "C" JNIEXPORT jfloatArray JNICALL Java_org_example_Detector_detect(JNIEnv* env, jobject,
                                                                          jlong handle,
                                                                          jobject rgba, jint height,
                                                                          jint width, jint stride) {
  try {
    edgecv::Image image;
    image.data = static_cast<const std::uint8_t*>(env->GetDirectBufferAddress(rgba));
    image.height = height;
    image.width = width;
    image.stride = stride;
    image.format = edgecv::PixelFormat::rgba;
    auto& detector = *reinterpret_cast<edgecv::Detector*>(handle);
    std::vector<float> rows;
    for (const edgecv::Detection& object : detector(image)) {
      rows.insert(rows.end(), object.box, object.box + 4);
      rows.push_back(object.score);
      rows.push_back(static_cast<float>(object.label));
    }
    jfloatArray result = env->NewFloatArray(static_cast<jsize>(rows.size()));
    if (result != nullptr) {
      env->SetFloatArrayRegion(result, 0, static_cast<jsize>(rows.size()), rows.data());
    }
    return result;
  } catch (const std::exception& error) {
    throw_java(env, error.what());
    return nullptr;
  }
}

extern "C" JNIEXPORT void JNICALL Java_org_example_Detector_close(JNIEnv*, jobject, jlong handle) {
  delete reinterpret_cast<edgecv::Detector*>(handle);
}
