#include "edgecv/tracking/assignment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "edgecv/error.hpp"

namespace edgecv {
namespace {

/// Successive shortest paths (D. F. Crouse, On implementing 2D rectangular assignment algorithms,
/// 2016): the rows get their columns one after another. A new row may push others on to their
/// next-best column along the path that costs least, by costs that the duals keep from being
/// negative.
class ShortestPaths {
 public:
  /// At most as many rows as columns.
  ShortestPaths(const double* cost, std::size_t rows, std::size_t cols)
      : cost_(cost),
        cols_(cols),
        row_dual_(rows),
        col_dual_(cols),
        col_of_(rows, -1),
        row_of_(cols, -1),
        from_(cols),
        distance_(cols) {
    for (std::size_t row = 0; row < rows; ++row) add(static_cast<std::int64_t>(row));
  }

  const std::vector<std::int64_t>& columns() const { return col_of_; }

 private:
  void add(std::int64_t new_row) {
    std::fill(distance_.begin(), distance_.end(), std::numeric_limits<double>::infinity());
    left_.resize(cols_);
    std::iota(left_.begin(), left_.end(), 0);
    done_.clear();
    std::int64_t row = new_row, end = -1;
    double lowest = 0;
    while (end < 0) {
      const std::size_t next = nearest(row, lowest);
      const std::int64_t col = left_[next];
      lowest = distance_[col];
      left_[next] = left_.back();
      left_.pop_back();
      if (row_of_[col] < 0) {
        end = col;
      } else {
        done_.push_back(col);
        row = row_of_[col];
      }
    }
    row_dual_[new_row] += lowest;
    for (const std::int64_t col : done_) {
      row_dual_[row_of_[col]] += lowest - distance_[col];
      col_dual_[col] -= lowest - distance_[col];
    }
    for (std::int64_t col = end; col >= 0;) {  // back along the path
      const std::int64_t holder = from_[col];
      row_of_[col] = holder;
      std::swap(col, col_of_[holder]);
    }
  }

  /// Goes on from `row`, `so_far` away; gives the place in `left_` of the nearest column.
  std::size_t nearest(std::int64_t row, double so_far) {
    double lowest = std::numeric_limits<double>::infinity();
    std::size_t best = 0;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      const std::int64_t col = left_[i];
      const double distance = so_far + cost_[row * cols_ + col] - row_dual_[row] - col_dual_[col];
      if (distance < distance_[col]) {
        distance_[col] = distance;
        from_[col] = row;
      }
      // Of equal ones a free column, where the path ends.
      if (distance_[col] < lowest || (distance_[col] == lowest && row_of_[col] < 0)) {
        lowest = distance_[col];
        best = i;
      }
    }
    return best;
  }

  const double* cost_;
  std::size_t cols_;
  std::vector<double> row_dual_, col_dual_;
  std::vector<std::int64_t> col_of_, row_of_;
  std::vector<std::int64_t> from_;  // of each column the row that it was reached from
  std::vector<double> distance_;    // of each column from the new row
  std::vector<std::int64_t> left_, done_;
};

/// Where the costs are finite.
std::vector<std::int64_t> assign(const double* cost, std::size_t rows, std::size_t cols) {
  if (rows <= cols) return ShortestPaths(cost, rows, cols).columns();
  std::vector<double> turned(rows * cols);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; ++col) turned[col * rows + row] = cost[row * cols + col];
  }
  const std::vector<std::int64_t> row_of = ShortestPaths(turned.data(), cols, rows).columns();
  std::vector<std::int64_t> col_of(rows, -1);
  for (std::size_t col = 0; col < cols; ++col) {
    col_of[row_of[col]] = static_cast<std::int64_t>(col);
  }
  return col_of;
}

/// Rows and columns that possible pairs join, directly or through others.
class Groups {
 public:
  Groups(std::size_t rows, std::size_t cols) : rows_(rows), parent_(rows + cols) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  void join(std::size_t row, std::size_t col) { parent_[root(row)] = root(rows_ + col); }

  struct Group {
    std::vector<std::size_t> rows, cols;
  };

  /// Those with both rows and columns.
  std::vector<Group> get() {
    std::vector<Group> by_root(parent_.size());
    for (std::size_t i = 0; i < parent_.size(); ++i) {
      Group& group = by_root[root(i)];
      if (i < rows_) {
        group.rows.push_back(i);
      } else {
        group.cols.push_back(i - rows_);
      }
    }
    std::vector<Group> groups;
    for (Group& group : by_root) {
      if (!group.rows.empty() && !group.cols.empty()) groups.push_back(std::move(group));
    }
    return groups;
  }

 private:
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  std::size_t rows_;
  std::vector<std::size_t> parent_;
};

}  // namespace

std::vector<std::int64_t> linear_assignment(const double* cost, std::size_t rows,
                                            std::size_t cols) {
  for (std::size_t i = 0; i < rows * cols; ++i) {
    if (!std::isfinite(cost[i])) {
      throw Error(ErrorCode::invalid_input,
                  "cost: expected finite numbers, got " + std::to_string(cost[i]) + " in row " +
                      std::to_string(i / cols) + ", column " + std::to_string(i % cols));
    }
  }
  return assign(cost, rows, cols);
}

std::vector<std::int64_t> best_pairs(const double* gain, std::size_t rows, std::size_t cols) {
  Groups groups(rows, cols);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; ++col) {
      if (gain[row * cols + col] > 0) groups.join(row, col);
    }
  }
  std::vector<std::int64_t> col_of(rows, -1);
  std::vector<double> cost;
  for (const Groups::Group& group : groups.get()) {
    cost.clear();
    for (const std::size_t row : group.rows) {
      for (const std::size_t col : group.cols) {
        // A pair without gain costs as much as none at all, and is taken out afterwards.
        cost.push_back(gain[row * cols + col] > 0 ? -gain[row * cols + col] : 0.0);
      }
    }
    const std::vector<std::int64_t> chosen =
        assign(cost.data(), group.rows.size(), group.cols.size());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i] < 0 || !(cost[i * group.cols.size() + chosen[i]] < 0)) continue;
      col_of[group.rows[i]] = static_cast<std::int64_t>(group.cols[chosen[i]]);
    }
  }
  return col_of;
}

}  // namespace edgecv
