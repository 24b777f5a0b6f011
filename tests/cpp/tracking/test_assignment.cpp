#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "edgecv/error.hpp"
#include "edgecv/tracking/assignment.hpp"

using namespace edgecv;
using Columns = std::vector<std::int64_t>;

namespace {

double sum_of(const std::vector<double>& values, std::size_t cols, const Columns& chosen) {
  double sum = 0;
  for (std::size_t row = 0; row < chosen.size(); ++row) {
    if (chosen[row] >= 0) sum += values[row * cols + chosen[row]];
  }
  return sum;
}

/// The highest sum of gains, by trying all.
double best_sum(const std::vector<double>& gain, std::size_t rows, std::size_t cols,
                std::size_t row = 0, unsigned taken = 0) {
  if (row == rows) return 0;
  double best = best_sum(gain, rows, cols, row + 1, taken);
  for (std::size_t col = 0; col < cols; ++col) {
    const double here = gain[row * cols + col];
    if (taken >> col & 1u || !(here > 0)) continue;
    best = std::max(best, here + best_sum(gain, rows, cols, row + 1, taken | 1u << col));
  }
  return best;
}

}  // namespace

TEST_CASE("assignments are those of SciPy") {
  std::ifstream file(EDGECV_GOLDEN "/tracking/assignment.txt");
  std::string line;
  int matrices = 0;
  while (std::getline(file, line)) {
    std::istringstream numbers(line);
    std::size_t rows, cols;
    numbers >> rows >> cols;
    std::vector<double> cost(rows * cols);
    for (double& each : cost) numbers >> each;
    Columns expected(rows);
    for (std::int64_t& each : expected) numbers >> each;
    REQUIRE(numbers);
    CHECK(linear_assignment(cost.data(), rows, cols) == expected);
    ++matrices;
  }
  CHECK(matrices == 30);
}

TEST_CASE("an assignment in the documented example, none, and equal costs") {
  const double cost[] = {4, 1, 3, 2, 0, 5, 3, 2, 2};
  CHECK(linear_assignment(cost, 3, 3) == Columns{1, 0, 2});
  CHECK(linear_assignment(nullptr, 0, 3).empty());
  CHECK(linear_assignment(nullptr, 3, 0) == Columns{-1, -1, -1});
  const std::vector<double> same(20, 2.5);
  Columns chosen = linear_assignment(same.data(), 4, 5);
  std::sort(chosen.begin(), chosen.end());
  CHECK(std::unique(chosen.begin(), chosen.end()) == chosen.end());
  CHECK(chosen.front() >= 0);
}

TEST_CASE("costs that are not finite are named") {
  const double cost[] = {1, 2, 3, std::numeric_limits<double>::quiet_NaN()};
  CHECK_THROWS_WITH_AS(linear_assignment(cost, 2, 2),
                       "cost: expected finite numbers, got nan in row 1, column 1", Error);
}

TEST_CASE("the best pairs have the highest sum, and no pair is without gain") {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int round = 0; round < 200; ++round) {
    const std::size_t rows = random() % 7, cols = random() % 7;
    std::vector<double> gain(rows * cols);
    for (double& each : gain) each = uniform(random) - (round % 3) * 0.4;  // dense and sparse
    const Columns chosen = best_pairs(gain.data(), rows, cols);
    REQUIRE(chosen.size() == rows);
    std::vector<int> times(cols);
    for (std::size_t row = 0; row < rows; ++row) {
      if (chosen[row] < 0) continue;
      CHECK(gain[row * cols + chosen[row]] > 0);
      CHECK(++times[chosen[row]] == 1);
    }
    CHECK(sum_of(gain, cols, chosen) == doctest::Approx(best_sum(gain, rows, cols)));
  }
}

TEST_CASE("pairs: a large matrix with few gains, and NaN") {
  const std::size_t count = 600;
  std::vector<double> gain(count * count, -1);
  Columns expected(count);
  for (std::size_t row = 0; row < count; ++row) {
    expected[row] = static_cast<std::int64_t>((row * 7) % count);
    gain[row * count + expected[row]] = 0.5;
  }
  gain[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK(best_pairs(gain.data(), count, count) == expected);
}
