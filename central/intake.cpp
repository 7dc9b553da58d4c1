#include "central/intake.hpp"

#include <fmt/format.h>

#include "central/schema.hpp"
#include "central/store.hpp"
#include "core/text.hpp"

namespace marrowlink::central {
namespace {
constexpr std::string_view acknowledgement_prefix = "marrowlink/1/ack/";

// {site}/{gateway}/{stream} and what was acknowledged there.
std::optional<Acknowledgement> acknowledgement_from(std::string_view topic, std::string_view payload) {
    topic.remove_prefix(acknowledgement_prefix.size());
    auto const first = topic.find('/');
    auto const second = topic.find('/', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
    Acknowledgement out;
    out.site = topic.substr(0, first);
    out.gateway = topic.substr(first + 1, second - first - 1);
    out.stream = topic.substr(second + 1);
    auto const parsed = json::parse(payload, "acknowledgement");
    if (!parsed || Schemas::of_wire().mismatch("acknowledgement", *parsed) || !is_stream_id(out.stream)) return std::nullopt;
    if (!is_identifier(out.site) || !is_identifier(out.gateway)) return std::nullopt;
    out.through = static_cast<std::uint64_t>(json::integer_of(parsed->get_object(), "through"));
    return out;
}
}  // namespace

Result<std::unique_ptr<Intake>> Intake::open(std::filesystem::path const& path, std::string const& vfs) {
    auto database = open_with_schema(path, store_schema(), vfs);
    if (!database) return fail(database.error());
    if (auto const set = database->exec("PRAGMA cache_size=-16000"); !set) return fail(set.error());
    std::unique_ptr<Intake> intake{new Intake{std::move(*database)}};
    auto runs = RunStore::over(intake->database_);
    if (!runs) return fail(runs.error());
    intake->runs_ = std::make_unique<RunStore>(std::move(*runs));
    auto ledger = Ledger::over(intake->database_, *intake->runs_);
    if (!ledger) return fail(ledger.error());
    intake->ledger_ = std::make_unique<Ledger>(std::move(*ledger));
    auto evaluations = Evaluations::over(intake->database_);
    if (!evaluations) return fail(evaluations.error());
    intake->evaluations_ = std::make_unique<Evaluations>(std::move(*evaluations));
    return intake;
}

Intake::Item Intake::item_of(Message&& message) {
    if (message.topic.starts_with(acknowledgement_prefix)) {
        if (auto said = acknowledgement_from(message.topic, message.payload)) return Claim{std::move(*said)};
        return Rejection{fmt::format("The message on {}: it is no acknowledgement of this centre.", beginning_of(message.topic, 160))};
    }
    if (auto const gateway = parse_gateway_state(message.topic)) {
        auto const parsed = json::parse(message.payload, fmt::format("The birth on {}", message.topic));
        if (!parsed) return Rejection{parsed.error().message};
        if (auto const problem = Schemas::of_wire().mismatch("birth", *parsed))
            return Rejection{fmt::format("The birth on {}: {}.", message.topic, *problem)};
        json::object const& birth = parsed->get_object();
        // A will asks for nothing; its stream is left out so that the same code passes over it.
        if (json::string_of(birth, "state") != "online") return Birth{};
        return Birth{std::string{gateway->site}, std::string{gateway->gateway}, std::string{json::string_of(birth, "stream")}};
    }
    auto incoming = incoming_from(std::move(message));
    if (!incoming) return Rejection{incoming.error().message};
    return std::move(*incoming);
}

void Intake::add(std::vector<Message> messages) {
    waiting_.reserve(waiting_.size() + messages.size());
    for (Message& message : messages) waiting_.push_back(item_of(std::move(message)));
}

Result<Taken> Intake::commit(std::int64_t now_ms) {
    auto taken = take(now_ms);
    if (taken) {
        waiting_.clear();
        return taken;
    }
    runs_->forget();
    if (auto const again = ledger_->reload(); !again)
        return fail(again.error().fault,
                    fmt::format("{} Then reading the ledger again failed too: {}", taken.error().message, again.error().message));
    return taken;
}

Result<Taken> Intake::take(std::int64_t now_ms) {
    Taken taken;
    if (auto const settled = database_.settle(); !settled) return fail(settled.error());
    auto transaction = Transaction::begin(database_);
    if (!transaction) return fail(transaction.error());
    for (Item const& item : waiting_) {
        if (auto const* const incoming = std::get_if<Incoming>(&item)) {
            auto const outcome = ledger_->accept(*incoming, now_ms);
            if (!outcome) return fail(outcome.error());
            ++taken.outcomes[static_cast<std::size_t>(*outcome)];
            if (*outcome == Outcome::stored || *outcome == Outcome::refused) taken.bytes += incoming->record.bytes();
        } else if (auto const* const rejection = std::get_if<Rejection>(&item)) {
            ++taken.rejected;
            if (taken.rejections.size() < rejections_kept_max) taken.rejections.push_back(rejection->why);
        }
    }
    if (auto const done = ledger_->write(); !done) return fail(done.error());
    if (auto const done = runs_->write(); !done) return fail(done.error());
    if (auto const done = transaction->commit(); !done) return fail(done.error());
    taken.acknowledgements = ledger_->touched();
    taken.answers = runs_->answers();
    taken.notices = ledger_->notices();
    if (auto const done = answer_births(taken, now_ms); !done) return fail(done.error());
    return taken;
}

Result<void> Intake::answer_births(Taken& taken, std::int64_t now_ms) {
    for (Item const& item : waiting_) {
        std::vector<Acknowledgement> asked;
        if (auto const* const birth = std::get_if<Birth>(&item); birth && !birth->site.empty()) {
            asked = ledger_->of_gateway(birth->site, birth->gateway, birth->stream);
            auto repeated = runs_->recent_answers(birth->site, birth->gateway,
                                                  now_ms - std::chrono::milliseconds(answers_repeated_for).count(), answers_repeated_max);
            if (!repeated) return fail(repeated.error());
            // Oldest first, and before what this batch changed: the latest answer wins.
            taken.answers.insert(taken.answers.begin(), std::make_move_iterator(repeated->rbegin()),
                                 std::make_move_iterator(repeated->rend()));
        } else if (auto const* const claim = std::get_if<Claim>(&item)) {
            Acknowledgement const& said = claim->said;
            if (!ledger_->covers(said.site, said.gateway, said.stream, said.through))
                asked = ledger_->of_gateway(said.site, said.gateway, said.stream);
        }
        taken.acknowledgements.insert(taken.acknowledgements.end(), std::make_move_iterator(asked.begin()),
                                      std::make_move_iterator(asked.end()));
    }
    return {};
}

}  // namespace marrowlink::central
