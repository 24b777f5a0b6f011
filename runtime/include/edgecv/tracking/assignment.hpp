// Pairs of rows and columns, as good as possible in their sum.
//
//   const double cost[] = {4, 1, 3, 2, 0, 5, 3, 2, 2};
//   edgecv::linear_assignment(cost, 3, 3);  // {1, 0, 2}: 1 + 2 + 2
//   const double gain[] = {0.9, 0.8, 0.7, -1};
//   edgecv::best_pairs(gain, 2, 2);  // {1, 0}: 0.8 + 0.7
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgecv/export.hpp"

namespace edgecv {

/// The linear assignment problem: for each row the column that it gets, so that the sum of
/// cost[rows, cols], row-major, is lowest. Every row gets a column of its own; where there are more
/// rows than columns every column gets a row, and the other rows -1. As
/// scipy.optimize.linear_sum_assignment; where several assignments cost the same it may be another
/// of them. Time grows with rows² · cols at most. Throws Error (invalid_input) if a cost is not
/// finite.
EDGECV_API std::vector<std::int64_t> linear_assignment(const double* cost, std::size_t rows,
                                                       std::size_t cols);

/// For each row its column or -1, so that the sum of gain[rows, cols] over all pairs is highest;
/// pairs without a gain above 0 are not made. Rows and columns that compete with few others are
/// decided quickly, however large the matrix. NaN is no gain.
EDGECV_API std::vector<std::int64_t> best_pairs(const double* gain, std::size_t rows,
                                                std::size_t cols);

}  // namespace edgecv
