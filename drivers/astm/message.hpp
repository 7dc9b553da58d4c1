// An ASTM E1394 / LIS2-A2 message: its records, what makes it the same message again, and what of it may leave the site. Facts: notes.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace marrowlink::astm {

// Whether the text ends with a whole L record. Looks at the last record only.
bool ends_message(std::string_view text);

class Message {
 public:
    // `text`: of all frames, joined.
    explicit Message(std::string_view text);

    std::vector<std::string_view> const& records() const { return records_; }
    char field_delimiter() const { return field_; }  // '|' unless H says otherwise

    // The n-th field of a record, from 1 (the record's letter); empty when it has none.
    std::string_view field(std::string_view record, std::size_t n) const;

    bool ended() const;                 // its last record is L…
    bool complete() const;              // …and says normal termination
    std::string sender() const;         // H-5, spaces around removed
    std::string specimen() const;       // O-3 of the first order, spaces around removed
    std::string sameness() const;       // equal for the same results sent again
    std::string without_names() const;  // each record ended by CR; of P records only letter and number

 private:
    std::vector<std::string_view> records_;
    char field_ = '|';
};

}  // namespace marrowlink::astm
