// Declarations of what samples/cpp/android uses of the NDK's header of this name.
#pragma once
#include <android/asset_manager.h>
#include <jni.h>

extern "C" AAssetManager* AAssetManager_fromJava(JNIEnv* env, jobject manager);
