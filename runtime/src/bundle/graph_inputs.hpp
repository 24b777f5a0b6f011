// How many inputs a node of a graph needs. OpenVINO reads them without looking whether they are
// there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace edgecv {

/// Inputs that an operator of ONNX has at least, which come first. (Those of Loop may be left out;
/// it is refused for the graph that it holds.)
inline std::size_t inputs_needed(std::string_view type, std::uint64_t opset) {
  constexpr std::string_view kNone =
      " Constant Loop Optional OptionalHasElement RandomNormal RandomUniform SequenceEmpty ";
  constexpr std::string_view kTwo =
      " Add AffineGrid And BitShift BitwiseAnd BitwiseOr BitwiseXor CastLike CausalConvWithState"
      " CenterCropPad Compress Conv ConvInteger ConvTranspose CumProd CumSum DequantizeLinear Div"
      " Equal Expand Gather GatherElements GatherND Greater GreaterOrEqual GridSample"
      " LayerNormalization Less LessOrEqual MatMul MatMulInteger MaxRoiPool MaxUnpool Mod Mul"
      " NegativeLogLikelihoodLoss NonMaxSuppression Or PRelu Pow QuantizeLinear RMSNormalization"
      " ReverseSequence STFT SequenceAt SequenceInsert SoftmaxCrossEntropyLoss StringConcat Sub"
      " SwiGLU TensorScatter Xor ";
  constexpr std::string_view kThree =
      " Attention Col2Im DeformConv GRU GroupNormalization InstanceNormalization LSTM"
      " LinearAttention OneHot RNN Range RoiAlign RotaryEmbedding Scatter ScatterElements ScatterND"
      " Where ";
  constexpr std::string_view kFive = " BatchNormalization MelWeightMatrix ";
  constexpr std::string_view kEight = " QLinearConv QLinearMatMul ";
  const std::string word = ' ' + std::string(type) + ' ';
  const auto is_of = [&](std::string_view words) {
    return words.find(word) != std::string_view::npos;
  };
  if (is_of(kTwo)) return 2;
  if (is_of(kThree)) return 3;
  if (is_of(kFive)) return 5;
  if (is_of(kEight)) return 8;
  if (is_of(kNone)) return 0;
  if (type == "Gemm") return opset >= 11 ? 2 : 3;
  if (type == "Tile") return opset >= 6 ? 2 : 3;
  // Those that had attributes for them once. Resize is none of them: exporters leave out its second
  // input where it is required, and engines take that.
  if (type == "Reshape") return opset >= 5 ? 2 : 1;
  if (type == "Upsample") return opset >= 9 ? 2 : 1;
  if (type == "TopK") return opset >= 10 ? 2 : 1;
  if (type == "Slice") return opset >= 10 ? 3 : 1;
  if (type == "Pad") return opset >= 11 ? 2 : 1;
  if (type == "Unsqueeze") return opset >= 13 ? 2 : 1;
  return 1;
}

}  // namespace edgecv
