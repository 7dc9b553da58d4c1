#include "drivers/modbus/map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/settings.hpp"
#include "core/text.hpp"

namespace marrowlink::modbus {
namespace {
using settings::Document;
using settings::Section;

constexpr std::int64_t reference_max = 465'536;  // 400001 + 65535: the highest number that manuals use
constexpr std::int64_t scale_factor_max = 1'000'000;
constexpr int decimals_max = 9;

constexpr std::pair<std::string_view, ModbusFunction> functions[] = {{"coil", ModbusFunction::read_coils},
                                                                     {"discrete", ModbusFunction::read_discrete_inputs},
                                                                     {"holding", ModbusFunction::read_holding_registers},
                                                                     {"input", ModbusFunction::read_input_registers}};
constexpr std::string_view types[] = {"bit", "bits", "u16", "i16", "u32", "i32", "f32", "text"};
constexpr std::string_view orders[] = {"AB", "BA", "ABCD", "CDAB", "BADC", "DCBA"};

template <class Enum>
Enum place_in(std::span<std::string_view const> words, std::string_view word) {
    return static_cast<Enum>(std::find(words.begin(), words.end(), word) - words.begin());
}

// Names and units go to pages and records as they are.
bool is_plain(std::string_view text) {
    return is_utf8(text) && std::none_of(text.begin(), text.end(),
                                         [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\' || c == 0x7F; });
}

std::optional<std::string> read_plain(Section& section, std::string_view key, std::size_t bytes_max) {
    auto found = section.text(key, bytes_max);
    if (found && !is_plain(*found)) {
        section.mistake(
            key, fmt::format("{} holds control characters, quotation marks or backslashes; expected plain text.", section.name(key)));
        return std::nullopt;
    }
    return found;
}

// The manual's number less the number that the manual gives to the first of its kind.
std::optional<std::uint16_t> read_address(Section& section, std::optional<std::int64_t> base_of_map) {
    auto const address = section.integer("address", 0, reference_max);
    auto const own = section.integer("base", 0, reference_max);
    auto const base = own ? own : base_of_map;
    section.require("address", address, "the number of the register in the manual");
    if (!base && !section.has("base"))
        section.mistake(
            fmt::format("{} is missing, here and at the top of the map: which number does the manual give to the first register "
                        "of this kind? 0, 1, 30001, 40001 …",
                        section.name("base")));
    if (!address || !base) return std::nullopt;
    if (*address < *base || *address - *base > 65'535) {
        section.mistake("address", fmt::format("{} is {}; with base {} it must be {} to {}.", section.name("address"), *address, *base,
                                               *base, *base + 65'535));
        return std::nullopt;
    }
    if (*base < 2 && *address >= 10'001 && *address % 10'000 < 2'000)
        section.warning("address",
                        fmt::format("{} is {} with base {}; if the manual counts from {} on, the base is {}.", section.name("address"),
                                    *address, *base, *address / 10'000 * 10'000 + 1, *address / 10'000 * 10'000 + 1));
    return static_cast<std::uint16_t>(*address - *base);
}

Scale read_scale(Section& section) {
    auto const given = section.number("scale", 1e-9, 1e6);
    if (!given) return {};
    std::string text = fmt::format("{:.{}f}", *given, decimals_max);
    while (text.back() == '0') text.pop_back();
    Scale scale;
    std::size_t const dot = text.find('.');
    scale.decimals = static_cast<int>(text.size() - dot - 1);
    text.erase(dot, 1);
    std::from_chars(text.data(), text.data() + text.size(), scale.factor);
    double back = static_cast<double>(scale.factor);
    for (int i = 0; i < scale.decimals; ++i) back /= 10;
    if (scale.factor < 1 || scale.factor > scale_factor_max || std::abs(back - *given) > 1e-12 * *given) {
        section.mistake("scale", fmt::format("{} is {}; expected a decimal number of at most {} digits and {} decimals, such as 0.1.",
                                             section.name("scale"), *given, std::to_string(scale_factor_max).size() - 1, decimals_max));
        return {};
    }
    return scale;
}

void read_type(Section& section, Register& out) {
    bool const is_bit = is_of_bits(out.function);
    auto const type =
        is_bit ? section.choice("type", {"bit"}) : section.choice("type", {"bits", "u16", "i16", "u32", "i32", "f32", "text"});
    section.require("type", type, is_bit ? "of a coil or discrete input it is \"bit\"" : "how the value is written in its registers");
    if (!type) return section.know({"order", "length"});
    out.type = place_in<Type>(types, *type);
    bool const wide = out.type == Type::u32 || out.type == Type::i32 || out.type == Type::f32;
    if (wide) {
        out.count = 2;
        auto const order = section.choice("order", {"ABCD", "CDAB", "BADC", "DCBA"});
        section.require("order", order,
                        "in which order the four bytes come, A the most significant; devices differ, so it is never assumed");
        if (order) out.order = place_in<Order>(orders, *order);
    } else if (is_bit) {
        section.refuse("order", "a bit has none");
    } else {
        auto const order = section.choice("order", {"AB", "BA"});
        if (out.type == Type::text) section.require("order", order, "which letter of a register comes first, A (high byte) or B");
        if (order) out.order = place_in<Order>(orders, *order);
    }
    if (out.type == Type::text) {
        auto const length = section.integer("length", 1, text_registers_max);
        section.require("length", length, "of how many registers the text is");
        if (length) out.count = static_cast<std::uint16_t>(*length);
    } else {
        section.refuse("length", "only a text has one");
    }
}

void read_bits(Section& section, Register& out) {
    auto bits = section.table("bits");
    if (!bits) return;
    if (out.type != Type::bits && out.type != Type::bit) return section.mistake("bits", "bits belong to the types \"bits\" and \"bit\".");
    std::size_t const known = out.type == Type::bit ? 1 : out.bits.size();
    for (std::size_t i = 0; i < known; ++i)
        if (auto name = read_plain(*bits, std::to_string(i), bit_name_bytes_max)) out.bits[i] = *std::move(name);
    bits->finish();
}

// What belongs to numbers only.
void read_number(Section& section, Register& out) {
    bool const is_number = out.type != Type::bit && out.type != Type::bits && out.type != Type::text;
    if (!is_number) {
        for (std::string_view const key : {"scale", "unit", "min", "max", "absent"})
            section.refuse(key, fmt::format("the type is \"{}\", which is no number", text_of(out.type)));
        return;
    }
    if (auto unit = read_plain(section, "unit", unit_bytes_max)) out.unit = *std::move(unit);
    out.min = section.number("min", -1e12, 1e12);
    out.max = section.number("max", -1e12, 1e12);
    if (out.min && out.max && *out.min >= *out.max)
        section.mistake("max", fmt::format("{} is {}, which is not above min, {}.", section.name("max"), *out.max, *out.min));
    if (out.type == Type::f32) {
        section.refuse("scale", "a float carries its own");
        section.refuse("absent", "a float that is no number says so itself");
        return;
    }
    out.scale = read_scale(section);
    auto const bits = out.count * 16;
    bool const is_signed = out.type == Type::i16 || out.type == Type::i32;
    std::int64_t const low = is_signed ? -(1ll << (bits - 1)) : 0;
    out.absent = section.integer("absent", low, is_signed ? (1ll << (bits - 1)) - 1 : (1ll << bits) - 1);
}

std::optional<Register> read_register(Section& section, std::optional<std::int64_t> base, std::chrono::milliseconds poll) {
    Register out;
    out.name = section.require("name", read_plain(section, "name", name_bytes_max), "what this value is called in records and on the page");
    auto const function = section.choice("function", {"coil", "discrete", "holding", "input"});
    section.require("function", function, "which kind of register it is: \"coil\", \"discrete\", \"holding\" or \"input\"");
    auto const address = read_address(section, base);
    if (!function) {
        section.know({"type", "order", "length", "scale", "unit", "min", "max", "absent", "bits", "poll_s"});
        section.finish();
        return std::nullopt;
    }
    out.function = std::find_if(std::begin(functions), std::end(functions), [&](auto const& f) { return f.first == *function; })->second;
    read_type(section, out);
    read_bits(section, out);
    read_number(section, out);
    out.poll = section.seconds("poll_s", 0.1, 3600).value_or(poll);
    if (address) {
        out.address = *address;
        if (out.address + out.count > 65'536)
            section.mistake("address",
                            fmt::format("{} has no room for {} registers: addresses end at 65535.", section.name("address"), out.count));
    }
    if (address) out.written = fmt::format("{} {}", *function, *section.integer("address", 0, reference_max));
    section.finish();
    if (!address) return std::nullopt;
    return out;
}

class Reader {
 public:
    explicit Reader(Document& document) : document_(document), root_(document.root()) {}

    RegisterMap read() {
        out_.title = root_.require("title", read_plain(root_, "title", 120), "which instrument this map describes");
        out_.source = root_.require("source", root_.text("source", 500), "which manual or driver the registers were taken from");
        out_.tried_on_hardware = root_.truth("tried_on_hardware").value_or(false);
        if (root_.choice("framing", {"rtu", "tcp", "ascii"}) == "ascii")
            root_.mistake(
                "framing",
                "framing is \"ascii\": Modbus ASCII is not spoken here. Set the device to Modbus RTU if it can; else it cannot be read.");
        auto const base = root_.integer("base", 0, reference_max);
        auto const poll = root_.seconds("poll_s", 0.1, 3600).value_or(std::chrono::milliseconds{10'000});
        auto queue = root_.table("queue");
        for (Section& section : root_.tables("register")) add(section, base, poll, queue.has_value());
        if (sections_ == 0) root_.mistake("there is no [[register]]; a map has at least one.");
        if (auto const guard = root_.text("guard")) out_.guard = find(root_, "guard", *guard);
        if (queue) read_queue(*queue, base);
        root_.finish();
        return std::move(out_);
    }

 private:
    void add(Section& section, std::optional<std::int64_t> base, std::chrono::milliseconds poll, bool has_queue) {
        if (++sections_ == registers_max + 1)
            section.mistake(fmt::format("this is register number {}; a map has at most {}.", registers_max + 1, registers_max));
        if (sections_ > registers_max) return;
        bool const polled = section.has("poll_s");
        auto found = read_register(section, base, poll);
        if (!found) return complete_ = false, void();
        found->queued = has_queue && !polled;
        for (std::size_t i = 0; i < out_.registers.size(); ++i) {
            Register const& other = out_.registers[i];
            if (other.name == found->name && !other.name.empty())
                section.mistake("name", fmt::format("{} is \"{}\", which is the register at {} already.", section.name("name"), other.name,
                                                    document_.place(places_[i])));
            if (other.function == found->function && other.address < found->address + found->count &&
                found->address < other.address + other.count)
                section.mistake(
                    "address",
                    fmt::format("\"{}\" takes {} of the registers of \"{}\" at {}; expected ranges that do not overlap.", found->name,
                                std::min(found->count, other.count) == 1 ? "one" : "some", other.name, document_.place(places_[i])));
        }
        out_.registers.push_back(*std::move(found));
        places_.push_back(section.where());
    }

    std::optional<std::size_t> find(Section& section, std::string_view key, std::string const& name) {
        for (std::size_t i = 0; i < out_.registers.size(); ++i)
            if (out_.registers[i].name == name) return i;
        if (complete_)  // else it may be the one that could not be read
            section.mistake(key, fmt::format("{} is \"{}\"; expected the name of a [[register]] of this map.", section.name(key), name));
        return std::nullopt;
    }

    void read_queue(Section& section, std::optional<std::int64_t> base) {
        Queue queue;
        auto const count = section.text("count");
        auto const key = section.text("key");
        section.require("count", count, "the register that says how many results wait");
        section.require("key", key, "the register that tells one result from the next, such as its time stamp");
        auto const at_count = count ? find(section, "count", *count) : std::nullopt;
        auto const at_key = key ? find(section, "key", *key) : std::nullopt;
        if (at_count) {
            Register& counter = out_.registers[queue.count = *at_count];
            counter.queued = false;
            if (counter.type != Type::u16 && counter.type != Type::u32)
                section.mistake("count", fmt::format("{} is of type \"{}\"; expected \"u16\" or \"u32\".", section.name("count"),
                                                     text_of(counter.type)));
        }
        if (at_key) {
            Register const& stamp = out_.registers[queue.key = *at_key];
            if (!stamp.queued)
                section.mistake("key", fmt::format("{} is \"{}\", which is no part of a result: a register with poll_s is read by itself.",
                                                   section.name("key"), stamp.name));
        }
        auto next = section.table("next");
        section.require("next", next ? std::optional(true) : std::nullopt, "what is written so that the device goes on to its next result");
        if (next) read_next(*next, base, queue);
        section.finish();
        out_.queue = queue;
    }

    static void read_next(Section& section, std::optional<std::int64_t> base, Queue& queue) {
        auto const function = section.choice("function", {"coil", "holding"});
        section.require("function", function, "what is written: a \"coil\" or a \"holding\" register");
        if (function == "holding") queue.next = ModbusFunction::write_single_register;
        if (auto const address = read_address(section, base)) queue.next_address = *address;
        auto const value = section.integer("value", 0, function == "holding" ? 65'535 : 1);
        section.require("value", value, "what is written to it");
        if (value) queue.next_value = static_cast<std::uint16_t>(*value);
        section.finish();
    }

    Document& document_;
    Section root_;
    RegisterMap out_;
    std::vector<settings::Position> places_;
    std::size_t sections_ = 0;
    bool complete_ = true;
};

}  // namespace

std::string_view text_of(Type type) { return types[static_cast<std::size_t>(type)]; }
std::string_view text_of(Order order) { return orders[static_cast<std::size_t>(order)]; }

Result<RegisterMap> parse_map(std::string text, std::string filename) {
    Document document{{{std::move(filename), std::move(text)}}};
    RegisterMap map = Reader{document}.read();
    if (auto verdict = document.verdict(); !verdict) return fail(std::move(verdict.error()));
    map.warnings = document.warnings();
    return map;
}

std::optional<EmbeddedFile> bundled_map(std::string_view name) {
    for (EmbeddedFile const& file : register_maps())
        if (file.name.ends_with(".toml") && file.name.substr(0, file.name.size() - 5) == name) return file;
    return std::nullopt;
}

std::string bundled_map_names() {
    std::string out;
    for (EmbeddedFile const& file : register_maps())
        out += fmt::format("{}\"{}\"", out.empty() ? "" : ", ", file.name.substr(0, file.name.size() - 5));
    return out;
}

}  // namespace marrowlink::modbus
