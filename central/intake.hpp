// What comes in, one batch and one transaction at a time: records into the ledger, births into the acknowledgements they ask for.
// Blocks; belongs to the store thread.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "central/evaluations.hpp"
#include "central/ledger.hpp"

namespace marrowlink::central {

inline constexpr std::chrono::hours answers_repeated_for{7 * 24};  // at each birth of a gateway
inline constexpr std::int64_t answers_repeated_max = 2'000;        // the newest; older ones are on the centre's page
inline constexpr std::size_t rejections_kept_max = 20;             // texts per batch; all are counted

// What a committed batch came to. Nothing in it is true before commit() has returned it.
struct Taken {
    std::vector<Acknowledgement> acknowledgements;
    std::vector<Answer> answers;
    std::vector<Notice> notices;
    std::vector<std::string> rejections;  // why messages could not be placed
    std::array<std::uint64_t, outcome_count> outcomes{};
    std::uint64_t rejected = 0;
    std::uint64_t bytes = 0;  // of stored records
};

class Intake {
 public:
    static Result<std::unique_ptr<Intake>> open(std::filesystem::path const& path, std::string const& vfs = {});

    // Messages of any topic that the centre subscribes to; those that mean nothing to it are counted as rejected.
    void add(std::vector<Message> messages);
    // Everything added since the last success, in one transaction. After an error nothing of it is stored, and it is tried again with the
    // next call.
    Result<Taken> commit(std::int64_t now_ms);
    bool idle() const { return waiting_.empty(); }
    // Some runs whose evaluation is due, in a transaction of their own; as Evaluations::evaluate_next.
    Result<std::optional<std::vector<Answer>>> evaluate_next(std::int64_t now_ms) { return evaluations_->evaluate_next(now_ms); }

    std::vector<Acknowledgement> acknowledgements() const { return ledger_->all(); }
    Database& database() { return database_; }

 private:
    struct Birth {
        std::string site, gateway, stream;
    };
    struct Claim {  // a retained acknowledgement of ours, from before a restore perhaps
        Acknowledgement said;
    };
    struct Rejection {
        std::string why;
    };
    using Item = std::variant<Incoming, Birth, Claim, Rejection>;

    explicit Intake(Database database) : database_(std::move(database)) {}
    static Item item_of(Message&& message);
    Result<Taken> take(std::int64_t now_ms);
    Result<void> answer_births(Taken& taken, std::int64_t now_ms);

    Database database_;
    std::unique_ptr<RunStore> runs_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Evaluations> evaluations_;
    std::vector<Item> waiting_;
};

}  // namespace marrowlink::central
