# The library in a Release build, small where that costs no time. Other build types keep their level.
if(MSVC OR EDGECV_SANITIZE)
  return()
endif()

# Files without a loop over pixels, anchors or classes: at -O3 they are half of the library and no
# faster. With Python's bindings they are optimised as one.
file(GLOB EDGECV_SMALL CONFIGURE_DEPENDS src/bundle/manifest*.cpp src/tracking/*.cpp src/zones/*.cpp)
foreach(name IN ITEMS
    boxes/anchors boxes/grid_anchors bundle/bundle bundle/bundle_files bundle/folder_files
    bundle/graph_check bundle/hashed_file bundle/json_node bundle/memory_files bundle/npy
    bundle/pipeline_of bundle/python_text bundle/source bundle/zip_directory bundle/zip_files
    classification/classifier detection/detector detection/one_stage detection/roi_graph
    detection/tile_groups detection/tiles detection/two_stage_detector engine/checked_engine
    engine/conformance engine/engine_library engine/engine_sets engine/graph_ports
    engine/image_batches engine/registry engine/tensor
    image/geometry image/image image/input_spec image/preprocess image/sliding_windows
    load/choose load/load load/model_info segmentation/segment segmentation/semantic_segmenter
    simd/level style/stylizer threads/call_queue threads/forks threads/guarded_executor
    threads/thread_pool)
  list(APPEND EDGECV_SMALL src/${name}.cpp)
endforeach()
set(EDGECV_SMALL_OPTIONS $<$<CONFIG:Release>:-Os>)
if(EDGECV_USES_LTO)
  list(APPEND EDGECV_SMALL_OPTIONS -flto)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND EDGECV_SMALL_OPTIONS -ffat-lto-objects)  # fat: any ar can index them
  endif()
endif()
set_source_files_properties(${EDGECV_SMALL} PROPERTIES COMPILE_OPTIONS "${EDGECV_SMALL_OPTIONS}")

# GCC's -O3 peels and unswitches these loops, which makes them larger and no faster.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  foreach(name IN ITEMS
      detection/dense image/bilinear image/filtered image/pixel_rows image/tensor_rows
      masks/paste_masks masks/run_lengths scores/top_scores segmentation/class_rows
      segmentation/plane_blend segmentation/window_blend style/stylize)
    set_source_files_properties(src/${name}.cpp PROPERTIES COMPILE_OPTIONS
      "$<$<CONFIG:Release>:-O2;-ftree-vectorize;-fvect-cost-model=dynamic>")
  endforeach()
endif()
