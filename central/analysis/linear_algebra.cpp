#include "central/analysis/linear_algebra.hpp"

#include <Eigen/Dense>
#include <cmath>

namespace marrowlink::analysis {
namespace {
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<Rows const> view(Matrix const& a) {
    return {a.data(), static_cast<Eigen::Index>(a.rows()), static_cast<Eigen::Index>(a.columns())};
}
Matrix copied(Eigen::MatrixXd const& a) {
    Matrix out(static_cast<std::size_t>(a.rows()), static_cast<std::size_t>(a.cols()));
    Eigen::Map<Rows>(out.data(), a.rows(), a.cols()) = a;
    return out;
}
}  // namespace

std::vector<double> least_squares_solution(Matrix const& a, std::span<double const> b) {
    Eigen::Map<Eigen::VectorXd const> const right(b.data(), static_cast<Eigen::Index>(b.size()));
    Eigen::VectorXd const x = Eigen::MatrixXd(view(a)).colPivHouseholderQr().solve(right);
    return {x.data(), x.data() + x.size()};
}

std::optional<Matrix> inverse_of_gram(Matrix const& a) {
    auto const n = static_cast<Eigen::Index>(a.columns());
    if (a.rows() < a.columns()) return std::nullopt;
    Eigen::HouseholderQR<Eigen::MatrixXd> const qr{Eigen::MatrixXd(view(a))};
    Eigen::MatrixXd const r = qr.matrixQR().topRows(n).triangularView<Eigen::Upper>();
    for (Eigen::Index i = 0; i < n; ++i)
        if (!(std::fabs(r(i, i)) > 0.0)) return std::nullopt;
    Eigen::MatrixXd const inverse = r.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(n, n));
    return copied(inverse * inverse.transpose());
}

Matrix inverse(Matrix const& a) { return copied(Eigen::MatrixXd(view(a)).fullPivLu().inverse()); }

}  // namespace marrowlink::analysis
