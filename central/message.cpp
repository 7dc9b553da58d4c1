#include "central/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "central/store.hpp"
#include "core/text.hpp"

namespace marrowlink::central {
namespace {
constexpr std::size_t sourcekey_bytes_max = 256;
constexpr std::size_t run_bytes_max = 64;

bool is_decimal(std::string_view text, std::uint64_t& out) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

std::string objection_to_chunk(Record const& record) {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    Digest digest{};
    if (!is_decimal(record.attribute("fileoffset"), offset))
        return fmt::format("fileoffset is \"{}\", expected a number.", record.attribute("fileoffset"));
    if (!is_decimal(record.attribute("filesize"), size))
        return fmt::format("filesize is \"{}\", expected a number.", record.attribute("filesize"));
    if (!digest_from_hex(record.attribute("filesha256"), digest)) return "filesha256 is not 64 hexadecimal digits.";
    if (offset > seq_max || size > seq_max || offset + record.data.size() > size)
        return fmt::format("The chunk at {} with {} bytes does not lie in a file of {}.", offset, record.data.size(), size);
    return {};
}
}  // namespace

bool is_reserved_site(std::string_view site) { return site == "ack" || site == "answer" || site == "centre"; }

bool is_stream_id(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}

std::optional<GatewayTopic> parse_gateway_state(std::string_view topic) {
    constexpr std::string_view prefix = "marrowlink/1/";
    constexpr std::string_view suffix = "/state";
    if (!topic.starts_with(prefix) || !topic.ends_with(suffix) || topic.size() < prefix.size() + suffix.size()) return std::nullopt;
    topic = topic.substr(prefix.size(), topic.size() - prefix.size() - suffix.size());
    auto const slash = topic.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    GatewayTopic const out{topic.substr(0, slash), topic.substr(slash + 1)};
    if (!is_identifier(out.site) || !is_identifier(out.gateway) || is_reserved_site(out.site)) return std::nullopt;
    return out;
}

Result<Incoming> incoming_from(Message&& message) {
    auto const reject = [&](std::string_view why) {
        return fail(Fault::refused, fmt::format("The message on {}: {}", beginning_of(message.topic, 160), why));
    };
    auto const place = topic::parse_record(message.topic);
    if (!place) return reject("its topic is not marrowlink/1/{site}/{gateway}/{instrument}/{type} with ids of [a-z0-9-]{1,32}.");
    if (is_reserved_site(place->site)) return reject(fmt::format("{} is not a name that a site can have.", place->site));

    Attributes& list = message.properties;
    if (!message.content_type.empty()) list.emplace_back("datacontenttype", std::move(message.content_type));
    std::sort(list.begin(), list.end());
    auto const twice = std::adjacent_find(list.begin(), list.end(), [](auto const& a, auto const& b) { return a.first == b.first; });
    if (twice != list.end()) return reject(fmt::format("property {} appears twice.", beginning_of(twice->first, 64)));

    Incoming out;
    auto const chain = std::lower_bound(list.begin(), list.end(), std::string_view{"chain"},
                                        [](auto const& a, std::string_view b) { return a.first < b; });
    if (chain == list.end() || chain->first != "chain" || !digest_from_hex(chain->second, out.record.chain))
        return reject("it has no chain of 64 hexadecimal digits.");
    list.erase(chain);
    out.record.attributes = encode_attributes(std::move(list));
    if (out.record.attributes.size() + message.payload.size() > message_bytes_max)
        return reject(
            fmt::format("it has {} bytes, expected at most {}.", out.record.attributes.size() + message.payload.size(), message_bytes_max));
    if (!is_stream_id(out.stream())) return reject("its stream is not a UUID in lower case.");
    auto const seq = sequence_from(out.record.attribute("sequence"));
    if (!seq || *seq == 0 || *seq > seq_max) return reject("its sequence is not 20 digits of a number from 1.");
    out.record.seq = *seq;
    out.site = place->site;
    out.gateway = place->gateway;
    out.instrument = place->instrument;
    out.type = place->type;
    out.record.data = std::move(message.payload);
    return out;
}

std::string objection_to(Incoming const& in) {
    Record const& record = in.record;
    if (record.data.size() > block_bytes_max)
        return fmt::format("The data has {} bytes, expected at most {}.", record.data.size(), block_bytes_max);
    if (record.attributes.size() > attribute_bytes_max)
        return fmt::format("The attributes have {} bytes, expected at most {}.", record.attributes.size(), attribute_bytes_max);
    for (std::string_view const name :
         {"specversion", "id", "source", "type", "time", "datacontenttype", "bootid", "uptimems", "clocksync"})
        if (record.attribute(name).empty()) return fmt::format("Attribute {} is missing.", name);
    if (record.attribute("specversion") != "1.0")
        return fmt::format("specversion is \"{}\", expected 1.0.", record.attribute("specversion"));
    std::string_view const id = record.attribute("id");
    std::string_view const stream = in.stream();
    std::uint64_t number = 0;
    if (!id.starts_with(stream) || id.size() < stream.size() + 2 || id[stream.size()] != '/' ||
        !is_decimal(id.substr(stream.size() + 1), number) || number != record.seq)
        return fmt::format("id is \"{}\", expected {}/{}.", beginning_of(id, 80), stream, record.seq);
    std::string_view const source = record.attribute("source");
    if (source.size() != in.site.size() + in.gateway.size() + in.instrument.size() + 3 ||
        source != fmt::format("/{}/{}/{}", in.site, in.gateway, in.instrument))
        return fmt::format("source is \"{}\", but the topic says /{}/{}/{}.", beginning_of(source, 128), in.site, in.gateway,
                           in.instrument);
    if (!record.attribute("type").starts_with(type_prefix) || record.type() != in.type)
        return fmt::format("type is \"{}\", but the topic says {}.", beginning_of(record.attribute("type"), 80), beginning_of(in.type, 80));
    auto const& types = record_types();
    if (std::find(types.begin(), types.end(), in.type) == types.end())
        return fmt::format("Type {} is not one that this centre (wire contract 1) knows.", beginning_of(in.type, 80));
    if (in.type.starts_with("run.")) {
        std::string_view const run = record.attribute("subject");
        std::string_view const key = record.attribute("sourcekey");
        if (run.empty() || run.size() > run_bytes_max)
            return fmt::format("subject has {} bytes, expected a run id of 1 to {}.", run.size(), run_bytes_max);
        if (key.empty() || key.size() > sourcekey_bytes_max)
            return fmt::format("sourcekey has {} bytes, expected 1 to {}.", key.size(), sourcekey_bytes_max);
    }
    if (in.type == type::run_file) return objection_to_chunk(record);
    return {};
}

}  // namespace marrowlink::central
