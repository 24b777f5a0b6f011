// A library of another kind under ONNX Runtime's name.
extern "C" int something_else() { return 1; }
