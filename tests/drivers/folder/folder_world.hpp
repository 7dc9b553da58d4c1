// A folder driver, the folder it watches and the outbox it fills, all in memory and under a virtual clock.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/log.hpp"
#include "core/sha256.hpp"
#include "drivers/folder/driver.hpp"
#include "tests/drivers/folder/test_format.hpp"
#include "tests/sim/memory_folder.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace marrowlink::sim {

// Stores as the real one does: all of a batch or nothing, each key once.
struct MemoryOutbox {
    std::vector<Draft> records;
    std::set<std::string> keys;
    std::map<std::string, TakenFile> taken;  // by SHA-256
    std::map<std::pair<std::string, std::uint64_t>, std::string> blanked;
    std::size_t batches = 0, largest_batch = 0;

    void append(Batch const& batch) {
        Sha256 hash;
        std::size_t bytes = 0;
        for (Draft const& draft : batch.records) {
            bytes += draft.data.size();
            if (keys.insert(idempotency_key(draft, hash)).second) records.push_back(draft);
        }
        for (BlankedBytes const& b : batch.blanked) {
            bytes += b.bytes.size();
            blanked.emplace(std::pair{b.original_sha256, b.offset}, b.bytes);
        }
        if (batch.taken) taken.emplace(batch.taken->sha256, *batch.taken);
        ++batches;
        largest_batch = std::max(largest_batch, bytes);
    }

    std::vector<Draft> of(std::string_view type) const {
        std::vector<Draft> out;
        for (Draft const& draft : records)
            if (draft.type == type) out.push_back(draft);
        return out;
    }
    json::object finished(std::string const& run) const {
        for (Draft const& draft : records)
            if (draft.type == type::run_finished && draft.run == run) return json::parse(draft.data, "run.finished")->as_object();
        return {};
    }
    // The chunks of a run put together, by their offsets.
    std::string copy(std::string const& run) const {
        std::map<std::uint64_t, std::string> chunks;
        for (Draft const& draft : records)
            if (draft.type == type::run_file && draft.run == run) chunks[std::stoull(draft.extensions.at(0).second)] = draft.data;
        std::string out;
        for (auto const& [offset, data] : chunks) {
            if (offset != out.size()) return "a chunk is missing";
            out += data;
        }
        return out;
    }
    std::string original(std::string const& run, std::string const& sha256) const {
        std::string out = copy(run);
        for (auto const& [place, bytes] : blanked)
            if (place.first == sha256) out.replace(place.second, bytes.size(), bytes);
        return out;
    }
    // Type, run, part and data of every record, without what depends on when it was made.
    std::set<std::string> ledger() const {
        std::set<std::string> out;
        for (Draft const& draft : records) {
            std::string data = draft.data;
            if (auto const at = data.find("\"arrived\":\""); at != data.npos && draft.type == type::run_finished) data.erase(at, 37);
            out.insert(std::string{draft.type} + "|" + draft.run + "|" + draft.part + "|" + draft.sourcekey + "|" + hex(sha256(data)));
        }
        return out;
    }
};

struct FolderWorld {
    boost::asio::io_context loop;
    VirtualClock clock{loop};
    std::shared_ptr<MemoryFolder> folder = std::make_shared<MemoryFolder>(clock);
    FolderOptions options;
    MemoryOutbox outbox;
    std::unique_ptr<FolderDriver> driver;
    std::optional<Error> ended;
    // Dies at the n-th batch: before it is stored, or stored and before the driver hears of it.
    std::optional<std::size_t> dies_before, dies_after;
    bool dead = false;

    FolderWorld() {
        log::set_sink([](log::Level, std::string_view) {});
        options.instrument = "gen5-exports";
        options.settle = std::chrono::seconds{5};
        options.poll = std::chrono::seconds{2};
        options.recognise = recognise_test_format;
    }

    ~FolderWorld() { log::set_sink(nullptr); }

    void start() {
        dead = false;
        ended.reset();
        auto of_taken = [this](std::string sha256) { return run_of_taken(std::move(sha256)); };
        driver = std::make_unique<FolderDriver>(folder, options, clock, loop.get_executor(), of_taken);
        auto task = serve(driver.get());
        boost::asio::co_spawn(loop, std::move(task), boost::asio::detached);
    }

    void run(std::chrono::milliseconds span) { clock.run_for(span); }

    std::optional<FileState> file(std::string const& name) const {
        for (FileState const& state : driver->files())
            if (state.name == name) return state;
        return {};
    }
    std::string standing(std::string const& name) const {
        auto const state = file(name);
        return state ? std::string{text_of(state->standing)} : "not listed";
    }

 private:
    Task<Result<std::string>> run_of_taken(std::string sha256) {
        auto const found = outbox.taken.find(sha256);
        co_return found == outbox.taken.end() ? std::string{} : found->second.run;
    }

    Task<void> serve(FolderDriver* serving) {
        for (std::size_t n = 0;; ++n) {
            auto const batch = co_await serving->next();
            if (!batch) {
                ended = batch.error();
                co_return;
            }
            if (dies_before == n) break;
            outbox.append(*batch);
            if (dies_after == n) break;
            co_await serving->acknowledge(batch->receipt);
        }
        dead = true;
    }
};

}  // namespace marrowlink::sim
