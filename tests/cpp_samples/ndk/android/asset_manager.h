// Declarations of what samples/cpp/android uses of the NDK's header of this name.
#pragma once
#include <cstdint>

struct AAssetManager;
struct AAssetDir;
struct AAsset;
enum { AASSET_MODE_BUFFER = 3 };

extern "C" {
AAssetDir* AAssetManager_openDir(AAssetManager* manager, const char* name);
AAsset* AAssetManager_open(AAssetManager* manager, const char* name, int mode);
const char* AAssetDir_getNextFileName(AAssetDir* directory);
void AAssetDir_close(AAssetDir* directory);
const void* AAsset_getBuffer(AAsset* asset);
std::int64_t AAsset_getLength64(AAsset* asset);
void AAsset_close(AAsset* asset);
}
