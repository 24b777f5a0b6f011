// Declarations of what samples/cpp/android uses of the NDK's jni.h.
#pragma once
#include <cstdint>

using jint = std::int32_t;
using jlong = std::int64_t;
using jsize = jint;
using jfloat = float;
using jobject = struct JObject*;
using jclass = jobject;
using jstring = jobject;
using jfloatArray = jobject;
using jboolean = std::uint8_t;

struct JNIEnv {
  jclass FindClass(const char* name);
  jint ThrowNew(jclass kind, const char* message);
  const char* GetStringUTFChars(jstring text, jboolean* is_copy);
  void ReleaseStringUTFChars(jstring text, const char* chars);
  void* GetDirectBufferAddress(jobject buffer);
  jfloatArray NewFloatArray(jsize length);
  void SetFloatArrayRegion(jfloatArray array, jsize start, jsize length, const jfloat* values);
};

#define JNIEXPORT __attribute__((visibility("default")))
#define JNICALL
