#include "io/adapter_set.hpp"

#include <fmt/format.h>

#include "io/adapter_log.hpp"
#include "io/adapter_words.hpp"

namespace marrowlink {
namespace {
struct Waiting {
    std::size_t messages = 0, bytes = 0, losses = 0;
    bool nothing() const { return messages == 0 && losses == 0; }
};

// A start that waits to be told of is nobody's result: every adapter that was carried to another place has one.
Waiting waiting_in(std::vector<AdapterSlot> const& log) {
    Waiting out;
    for (AdapterSlot const& kept : log) {
        out.messages += kept.is_data();
        if (kept.is_data()) out.bytes += kept.payload.size();
        out.losses += kept.slot.kind == wire::SlotKind::loss;
    }
    return out;
}

std::string in_words(Waiting const& waiting) {
    std::string out = fmt::format("{} message{} of {} bytes", waiting.messages, waiting.messages == 1 ? "" : "s", waiting.bytes);
    if (waiting.losses > 0) out += fmt::format(" and {} notice{} of a loss", waiting.losses, waiting.losses == 1 ? "" : "s");
    return out;
}

// The gateway finds a binding that it does not know, and counts what comes from then on behind what it has.
Task<Result<void>> own_anew(ModbusMaster& bus, AdapterPlace const& place, Entropy& entropy, std::uint64_t data_base) {
    std::uint64_t binding = 0;
    entropy.fill(std::as_writable_bytes(std::span(&binding, 1)));
    return own_adapter(bus, place, binding, data_base);
}

Task<Result<std::string>> take(ModbusMaster& bus, AdapterPlace const& place, Entropy& entropy, AdapterState const& state, bool take_over) {
    auto const log = co_await read_adapter_log(bus, place, state);
    if (!log && !take_over) co_return fail(log.error());
    Waiting const waiting = log ? waiting_in(*log) : Waiting{};
    std::string const kept = log ? in_words(waiting) : fmt::format("{} bytes that cannot be read", state.written - state.freed);
    bool const anothers = state.owner_id != 0;
    std::string const another = fmt::format("\"{}\"", state.owner_name);
    if (anothers && !waiting.nothing() && !take_over)
        co_return fail(
            Fault::refused,
            fmt::format("The adapter, {}, keeps {} for another owner, {}, which has not acknowledged them; taken over for \"{}\" it "
                        "forgets them, and they are lost. Let that owner's gateway empty it first, where it was; or lose them, "
                        "with --take-over. Nothing was changed.",
                        describe(bus, place), kept, another, place.owner));
    if (anothers && state.written > state.freed) {
        auto const freed = co_await free_adapter_log(bus, place, state);
        if (!freed) co_return fail(freed.error());
    }
    auto const now = co_await read_adapter(bus, place);
    if (!now) co_return fail(now.error());
    auto const owned = co_await own_anew(bus, place, entropy, 0 - now->freed_data);
    if (!owned) co_return fail(owned.error());
    if (!anothers)
        co_return fmt::format("It was nobody's and keeps for \"{}\" now{}.", place.owner,
                              waiting.nothing() ? std::string{} : fmt::format(", with {} that it had already", kept));
    co_return fmt::format("It was {}'s and keeps for \"{}\" now; {}.", another, place.owner,
                          log && waiting.nothing() ? "nothing was lost" : kept + " were thrown away");
}
}  // namespace

Task<Result<std::vector<std::string>>> set_adapter(ModbusMaster& bus, AdapterPlace const& place, Entropy& entropy, AdapterWish wish) {
    std::vector<std::string> done;
    auto const state = co_await read_adapter(bus, place);
    if (!state) co_return fail(state.error());
    bool const is_ours = state->owner_id == adapter_owner_id(place.owner);
    if (!is_ours) {
        auto taken = co_await take(bus, place, entropy, *state, wish.take_over);
        if (!taken) co_return fail(taken.error());
        done.push_back(*std::move(taken));
    } else if (wish.count_anew) {
        auto const owned = co_await own_anew(bus, place, entropy, state->data_base);
        if (!owned) co_return fail(owned.error());
        done.push_back("The gateway counts anew, behind what it has, all that it keeps; a result that comes twice is counted once.");
    } else {
        done.push_back(fmt::format("It keeps for \"{}\" as before.", place.owner));
    }
    auto const before = co_await settle_adapter(bus, place, *state);
    if (!before) co_return fail(before.error());
    auto const after = co_await read_adapter_settings(bus, place);
    if (!after) co_return fail(after.error());
    if (!*before) done.push_back("Its settings are those of the configuration already.");
    if (!*before) co_return done;
    auto const old_rows = settings_of(**before), new_rows = settings_of(*after);
    std::size_t changed = 0;
    for (std::size_t i = 0; i < new_rows.size(); ++i) {
        if (old_rows[i].value == new_rows[i].value) continue;
        ++changed;
        done.push_back(fmt::format("{}: {}, before: {}", new_rows[i].name, new_rows[i].value, old_rows[i].value));
    }
    if (changed == 0) done.push_back("Its settings were those of a new adapter, as the configuration asks for them; it keeps them now.");
    co_return done;
}

}  // namespace marrowlink
