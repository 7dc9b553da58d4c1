#include "central/analysis/expression.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace marrowlink::analysis {

struct Expression::Node {
    enum class Kind : unsigned char { number, x, parameter, add, subtract, multiply, divide, power, negate, call } kind = Kind::number;
    double number = 0.0;
    std::size_t parameter = 0;
    Jet (*function)(Jet const&) = nullptr;
    std::shared_ptr<Node const> left, right;

    Jet at(double x_value, std::span<Jet const> b) const {
        switch (kind) {
            case Kind::number: return number;
            case Kind::x: return x_value;
            case Kind::parameter: return b[parameter];
            case Kind::add: return left->at(x_value, b) + right->at(x_value, b);
            case Kind::subtract: return left->at(x_value, b) - right->at(x_value, b);
            case Kind::multiply: return left->at(x_value, b) * right->at(x_value, b);
            case Kind::divide: return left->at(x_value, b) / right->at(x_value, b);
            case Kind::power: return pow(left->at(x_value, b), right->at(x_value, b));
            case Kind::negate: return -left->at(x_value, b);
            case Kind::call: return function(left->at(x_value, b));
        }
        return {};
    }
};

namespace {
using Node = Expression::Node;
using Tree = std::shared_ptr<Node const>;
constexpr int depth_max = 64;

struct Function {
    std::string_view name;
    Jet (*call)(Jet const&);
};
constexpr Function functions[] = {
    {"exp", [](Jet const& a) { return exp(a); }},   {"log", [](Jet const& a) { return log(a); }},
    {"sin", [](Jet const& a) { return sin(a); }},   {"cos", [](Jet const& a) { return cos(a); }},
    {"sqrt", [](Jet const& a) { return sqrt(a); }}, {"arctan", [](Jet const& a) { return atan(a); }},
};

struct Parser {
    std::string_view text;
    std::size_t at = 0;
    std::size_t parameters = 0;
    int depth = 0;

    void space() {
        while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) ++at;
    }
    bool take(std::string_view sign) {
        space();
        if (!text.substr(at).starts_with(sign)) return false;
        at += sign.size();
        return true;
    }
    tl::unexpected<Error> wrong(std::string_view expected) const {
        return fail(Fault::refused,
                    fmt::format("The model \"{}\", character {}: found \"{}\", expected {}.", text, at + 1, text.substr(at, 12), expected));
    }
    static Tree joined(Node::Kind kind, Tree left, Tree right = nullptr) {
        auto node = std::make_shared<Node>();
        node->kind = kind;
        node->left = std::move(left);
        node->right = std::move(right);
        return node;
    }

    Result<Tree> sum() {
        if (++depth > depth_max) return wrong(fmt::format("at most {} levels of brackets", depth_max));
        auto left = product();
        while (left) {
            bool const plus = take("+");
            if (!plus && !take("-")) break;
            auto const right = product();
            if (!right) return right;
            left = joined(plus ? Node::Kind::add : Node::Kind::subtract, *left, *right);
        }
        --depth;
        return left;
    }
    Result<Tree> product() {
        auto left = signed_power();
        while (left) {
            space();
            bool const times = !text.substr(at).starts_with("**") && take("*");
            if (!times && !take("/")) break;
            auto const right = signed_power();
            if (!right) return right;
            left = joined(times ? Node::Kind::multiply : Node::Kind::divide, *left, *right);
        }
        return left;
    }
    Result<Tree> signed_power() {
        if (++depth > depth_max) return wrong(fmt::format("at most {} levels of brackets", depth_max));
        bool const minus = take("-");
        if (!minus) take("+");
        auto base = minus ? signed_power() : value();
        --depth;
        if (!base) return base;
        if (minus) return joined(Node::Kind::negate, *base);
        if (take("**") || take("^")) {
            auto const exponent = signed_power();
            if (!exponent) return exponent;
            return joined(Node::Kind::power, *base, *exponent);
        }
        return base;
    }
    Result<Tree> value() {
        space();
        auto node = std::make_shared<Node>();
        for (auto const& [open, close] : {std::pair{"(", ")"}, std::pair{"[", "]"}})
            if (take(open)) {
                auto inner = sum();
                if (inner && !take(close)) return wrong(fmt::format("\"{}\"", close));
                return inner;
            }
        char const first = at < text.size() ? text[at] : '\0';
        if ((first >= '0' && first <= '9') || first == '.') {
            auto const [end, fault] = std::from_chars(text.data() + at, text.data() + text.size(), node->number);
            if (fault != std::errc{}) return wrong("a number");
            at = static_cast<std::size_t>(end - text.data());
            return node;
        }
        std::size_t end = at;
        while (end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') || (text[end] >= '0' && text[end] <= '9'))) ++end;
        std::string_view const word = text.substr(at, end - at);
        if (word == "x" || word == "pi") {
            node->kind = word == "x" ? Node::Kind::x : Node::Kind::number;
            node->number = 3.14159265358979323846;
        } else if (word.size() == 2 && word[0] == 'b' && word[1] >= '1' && word[1] <= '9') {
            node->kind = Node::Kind::parameter;
            node->parameter = static_cast<std::size_t>(word[1] - '1');
            parameters = std::max(parameters, node->parameter + 1);
        } else {
            for (Function const& function : functions)
                if (word == function.name) {
                    at = end;
                    space();
                    if (at >= text.size() || (text[at] != '(' && text[at] != '[')) return wrong("\"(\"");
                    auto argument = value();
                    if (!argument) return argument;
                    node->kind = Node::Kind::call;
                    node->function = function.call;
                    node->left = *argument;
                    return node;
                }
            return wrong("a number, x, pi, b1 to b9, or a function that is known");
        }
        at = end;
        return node;
    }
};
}  // namespace

Result<Expression> Expression::parse(std::string_view text) {
    Parser parser{text};
    auto const root = parser.sum();
    if (!root) return fail(root.error());
    parser.space();
    if (parser.at != text.size()) return parser.wrong("an operator or the end");
    Expression out;
    out.root_ = *root;
    out.parameters_ = parser.parameters;
    return out;
}

Jet Expression::operator()(double x, std::span<Jet const> parameters) const { return root_->at(x, parameters); }

}  // namespace marrowlink::analysis
