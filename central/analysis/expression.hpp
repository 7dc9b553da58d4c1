// A formula of a regression model as NIST's StRD files and R write it: + - * / ^ **, parentheses or brackets, exp log sin cos sqrt arctan,
// pi, x, and parameters b1 to b9.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "central/analysis/jet.hpp"
#include "core/error.hpp"

namespace marrowlink::analysis {

class Expression {
 public:
    // Refused, with the place: a word that is not known, a bracket without its other, an end where a value should stand, nesting deeper
    // than 64.
    static Result<Expression> parse(std::string_view text);
    Jet operator()(double x, std::span<Jet const> parameters) const;
    std::size_t parameters() const { return parameters_; }  // the highest b that occurs

    struct Node;

 private:
    std::shared_ptr<Node const> root_;
    std::size_t parameters_ = 0;
};

}  // namespace marrowlink::analysis
