#include "drivers/astm/message.hpp"

#include <algorithm>

namespace marrowlink::astm {

namespace {

std::string_view bare(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

}  // namespace

bool ends_message(std::string_view text) {
    if (!text.ends_with('\r')) return false;
    text.remove_suffix(1);
    text.remove_prefix(std::min(text.rfind('\r') + 1, text.size()));
    return Message{text}.ended();
}

Message::Message(std::string_view text) {
    while (!text.empty()) {
        std::size_t const end = std::min(text.find('\r'), text.size());
        // A few write LF behind their records' CR.
        std::string_view record = text.substr(0, end);
        if (record.starts_with('\n')) record.remove_prefix(1);
        if (!record.empty()) records_.push_back(record);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (!records_.empty() && records_[0].size() > 1 && records_[0][0] == 'H') field_ = records_[0][1];
}

std::string_view Message::field(std::string_view record, std::size_t n) const {
    for (std::size_t i = 1; i < n; ++i) {
        std::size_t const end = record.find(field_);
        if (end == std::string_view::npos) return {};
        record.remove_prefix(end + 1);
    }
    return record.substr(0, record.find(field_));
}

bool Message::ended() const { return !records_.empty() && records_.back()[0] == 'L'; }

bool Message::complete() const {
    std::string_view const code = ended() ? bare(field(records_.back(), 3)) : std::string_view{};
    return ended() && (code.empty() || code == "N");
}

std::string Message::sender() const {
    // H's own delimiters are its second field.
    return records_.empty() || records_[0][0] != 'H' ? std::string{} : std::string{bare(field(records_[0], 5))};
}

std::string Message::specimen() const {
    for (std::string_view const record : records_)
        if (record[0] == 'O') return std::string{bare(field(record, 3))};
    return {};
}

std::string Message::sameness() const {
    std::string out = sender();
    for (std::string_view const record : records_)
        if (record[0] == 'O' || record[0] == 'R' || record[0] == 'C' || record[0] == 'M') (out += '\r') += record;
    return out;
}

std::string Message::without_names() const {
    std::string out;
    for (std::string_view const record : records_) {
        if (record[0] == 'P')
            ((out += 'P') += field_) += field(record, 2);
        else
            out += record;
        out += '\r';
    }
    return out;
}

}  // namespace marrowlink::astm
