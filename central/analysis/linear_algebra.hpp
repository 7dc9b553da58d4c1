// Small dense linear algebra; the one way to Eigen.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace marrowlink::analysis {

class Matrix {
 public:
    Matrix(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), cells_(rows * columns) {}
    double& operator()(std::size_t row, std::size_t column) { return cells_[row * columns_ + column]; }
    double operator()(std::size_t row, std::size_t column) const { return cells_[row * columns_ + column]; }
    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }
    double const* data() const { return cells_.data(); }  // row by row
    double* data() { return cells_.data(); }

 private:
    std::size_t rows_, columns_;
    std::vector<double> cells_;
};

// The x that makes |a x - b| least, by QR with column pivoting: keeps twice the digits that a'a keeps. As many rows as columns, or more.
std::vector<double> least_squares_solution(Matrix const& a, std::span<double const> b);
// (a'a)^-1, from R of a = QR; nothing where a diagonal element of R is 0.
std::optional<Matrix> inverse_of_gram(Matrix const& a);
// Of a square matrix, by LU with full pivoting; not finite where it is singular.
Matrix inverse(Matrix const& a);

}  // namespace marrowlink::analysis
