#include "core/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace marrowlink {
namespace {
void put_u32(std::string& out, std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

// Takes one length-prefixed text off the front; false when fewer bytes are there than the length says.
bool take_text(std::string_view& from, std::string_view& text) {
    if (from.size() < 4) return false;
    std::size_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(from[static_cast<std::size_t>(i)]);
    if (from.size() - 4 < length) return false;
    text = from.substr(4, length);
    from.remove_prefix(4 + length);
    return true;
}
}  // namespace

std::vector<std::string_view> const& record_types() {
    static std::vector<std::string_view> const all = {type::run_started,  type::run_readings,  type::run_file,     type::run_finished,
                                                      type::run_labelled, type::run_aborted,   type::audit,        type::instrument_state,
                                                      type::telemetry,    type::stream_opened, type::stream_closed};
    return all;
}

std::string idempotency_key(Draft const& draft, Sha256& hash) {
    for (std::string_view const text :
         {std::string_view{draft.instrument}, std::string_view{draft.run}, draft.type, std::string_view{draft.part}}) {
        hash.update(text).update(std::string_view{"\0", 1});
    }
    Digest const digest = hash.finish();
    return std::string{as_bytes(digest).substr(0, 16)};
}

std::string encode_attributes(Attributes attributes) {
    std::sort(attributes.begin(), attributes.end());
    std::string out;
    out.reserve(1024);
    for (auto const& [name, value] : attributes) {
        put_u32(out, name.size());
        out += name;
        put_u32(out, value.size());
        out += value;
    }
    return out;
}

std::optional<Attributes> decode_attributes(std::string_view encoded) {
    Attributes out;
    while (!encoded.empty()) {
        std::string_view name;
        std::string_view value;
        if (!take_text(encoded, name) || !take_text(encoded, value)) return std::nullopt;
        if (!out.empty() && out.back().first >= name) return std::nullopt;  // sorted, and no name twice
        out.emplace_back(name, value);
    }
    return out;
}

std::string_view find_attribute(std::string_view encoded, std::string_view name) {
    std::string_view found;
    std::string_view value;
    while (take_text(encoded, found) && take_text(encoded, value))
        if (found == name) return value;
    return {};
}

std::string_view Record::type() const {
    std::string_view full = attribute("type");
    if (full.starts_with(type_prefix)) full.remove_prefix(type_prefix.size());
    return full;
}

std::string attributes_of(Draft const& draft, Origin const& origin, Stamp const& stamp, std::uint64_t seq) {
    Attributes list = draft.extensions;
    list.emplace_back("specversion", "1.0");
    list.emplace_back("id", fmt::format("{}/{}", origin.stream, seq));
    list.emplace_back("source", fmt::format("/{}/{}/{}", origin.site, origin.gateway, draft.instrument));
    list.emplace_back("type", fmt::format("{}{}", type_prefix, draft.type));
    if (!draft.run.empty()) list.emplace_back("subject", draft.run);
    list.emplace_back("time", stamp.time);
    list.emplace_back("datacontenttype", draft.content_type);
    list.emplace_back("sequence", sequence_text(seq));
    list.emplace_back("stream", origin.stream);
    if (!draft.sourcekey.empty()) list.emplace_back("sourcekey", draft.sourcekey);
    list.emplace_back("bootid", stamp.bootid);
    list.emplace_back("uptimems", std::to_string(stamp.uptime_ms));
    list.emplace_back("clocksync", stamp.clock_synchronised ? "true" : "false");
    return encode_attributes(std::move(list));
}

Digest chain_start(std::string_view stream) { return sha256(stream); }

Digest chain_next(Sha256& hash, Digest const& previous, std::string_view attributes, std::string_view data) {
    Digest const of_data = hash.update(data).finish();
    return hash.update(previous).update(attributes).update(of_data).finish();
}

std::string sequence_text(std::uint64_t seq) { return fmt::format("{:020}", seq); }

std::optional<std::uint64_t> sequence_from(std::string_view text) {
    std::uint64_t seq = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
    if (text.size() != 20 || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return seq;
}

bool is_identifier(std::string_view text) {
    return !text.empty() && text.size() <= 32 &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

namespace topic {
std::string record(std::string_view site, std::string_view gateway, std::string_view instrument, std::string_view type) {
    return fmt::format("marrowlink/1/{}/{}/{}/{}", site, gateway, instrument, type);
}
std::string acknowledgement(std::string_view site, std::string_view gateway, std::string_view stream) {
    return fmt::format("marrowlink/1/ack/{}/{}/{}", site, gateway, stream);
}
std::string gateway_state(std::string_view site, std::string_view gateway) {
    return fmt::format("marrowlink/1/{}/{}/state", site, gateway);
}
std::string answer(std::string_view site, std::string_view gateway) { return fmt::format("marrowlink/1/answer/{}/{}", site, gateway); }

std::optional<RecordTopic> parse_record(std::string_view topic) {
    constexpr std::string_view prefix = "marrowlink/1/";
    if (!topic.starts_with(prefix)) return std::nullopt;
    topic.remove_prefix(prefix.size());
    std::string_view part[4];
    for (int i = 0; i < 3; ++i) {
        auto const slash = topic.find('/');
        if (slash == std::string_view::npos) return std::nullopt;
        part[i] = topic.substr(0, slash);
        if (!is_identifier(part[i])) return std::nullopt;
        topic.remove_prefix(slash + 1);
    }
    if (topic.empty() || topic.find('/') != std::string_view::npos) return std::nullopt;
    return RecordTopic{part[0], part[1], part[2], topic};
}
}  // namespace topic

}  // namespace marrowlink
