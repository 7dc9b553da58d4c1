#include "truth.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <set>

#include "core/json.hpp"
#include "core/sha256.hpp"

namespace marrowlink::storm {
namespace {
constexpr int seq_bits = 40;
constexpr std::size_t faults_told = 20;

// A query of the judge's own, row by row.
class Rows {
 public:
    Rows(sqlite3* database, char const* sql) { sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr); }
    ~Rows() { sqlite3_finalize(statement_); }
    Rows(Rows const&) = delete;
    bool next() { return statement_ && sqlite3_step(statement_) == SQLITE_ROW; }
    std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
    std::string bytes(int column) const {
        auto const* const data = static_cast<char const*>(sqlite3_column_blob(statement_, column));
        return data ? std::string{data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))} : std::string{};
    }

 private:
    sqlite3_stmt* statement_ = nullptr;
};

std::map<std::string, std::string> attributes_in(std::string_view encoded) {
    std::map<std::string, std::string> out;
    auto const take = [&encoded] {
        std::size_t size = 0;
        for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(encoded[static_cast<std::size_t>(i)]);
        std::string text{encoded.substr(4, size)};
        encoded.remove_prefix(4 + size);
        return text;
    };
    while (!encoded.empty()) {
        std::string name = take();
        out[std::move(name)] = take();
    }
    return out;
}

std::string raw(Digest const& digest) { return {reinterpret_cast<char const*>(digest.data()), digest.size()}; }

using Place = std::tuple<std::string, std::string>;  // site, instrument

class Judge {
 public:
    Judge(Truth const& truth, Clock::Instant began, std::filesystem::path const& central) : truth_(truth), began_(began) {
        sqlite3_open_v2(central.c_str(), &database_, SQLITE_OPEN_READWRITE, nullptr);
    }
    ~Judge() { sqlite3_close(database_); }
    Judge(Judge const&) = delete;

    Verdict run() {
        read_streams();
        Rows counted{database_,
                     "SELECT site, instrument, sourcekey, count(*) FROM run JOIN source ON source.id = run.source WHERE revision = 0 "
                     "GROUP BY 1, 2, 3"};
        while (counted.next()) counted_[{counted.bytes(0), counted.bytes(1)}][counted.bytes(2)] = counted.integer(3);
        Rows plates{database_, "SELECT run, plate FROM run"};
        while (plates.next()) plates_[plates.bytes(0)] = plates.bytes(1);
        for (Measured const& one : truth_.all()) compare(one);
        for (auto const& [place, texts] : texts_)
            for (auto const& [text, keys] : texts)
                if (!known_texts_[place].contains(text))
                    fault(fmt::format("{}/{}: the centre holds a line that nobody sent: {}", std::get<0>(place), std::get<1>(place), text));
        for (auto const& [place, originals] : originals_)
            for (auto const& [sha256, runs] : originals)
                if (!known_originals_[place].contains(sha256) && !readable_[sha256].empty())
                    fault(fmt::format("{}/{}: the centre holds a run of bytes that nobody measured: {}, ending in \"{}\"",
                                      std::get<0>(place), std::get<1>(place), sha256, ending(runs)));
        for (auto const& [run, given] : truth_.plates())
            if (auto const found = plates_.find(run);
                found != plates_.end() && std::find(given.begin(), given.end(), found->second) == given.end())
                fault(fmt::format("run {} was started for plate {}, the centre says {}", run, given.front(), found->second));
        return std::move(verdict_);
    }

 private:
    void fault(std::string text) {
        if (verdict_.faults.size() < faults_told) verdict_.faults.push_back(std::move(text));
    }

    void read_streams() {
        std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>> lost;
        Rows named{database_, "SELECT stream, first, last FROM lost"};
        while (named.next()) lost[named.bytes(0)].emplace_back(named.integer(1), named.integer(2));
        std::map<std::int64_t, std::pair<std::string, std::string>> streams;  // id → site, stream
        Rows listed{database_, "SELECT id, site, stream FROM stream"};
        while (listed.next()) streams[listed.integer(0)] = {listed.bytes(1), listed.bytes(2)};

        std::int64_t current = 0, expected = 1;
        std::string chain;
        Rows records{database_, "SELECT id, attributes, data, chain FROM record ORDER BY id"};
        while (records.next()) {
            std::int64_t const stream = records.integer(0) >> seq_bits;
            std::int64_t const seq = records.integer(0) & ((std::int64_t{1} << seq_bits) - 1);
            auto const& [site, uuid] = streams[stream];
            if (stream != current) {
                current = stream;
                expected = 1;
                chain = raw(sha256(uuid));
            }
            std::string const encoded = records.bytes(1), data = records.bytes(2), own = records.bytes(3);
            if (seq != expected) {
                bool explained = false;
                for (auto const& [first, last] : lost[uuid]) explained = explained || (first <= expected && seq - 1 <= last);
                if (!explained) fault(fmt::format("{}: seq {} to {} are missing and not named as lost", uuid, expected, seq - 1));
                chain.clear();  // the proof starts again behind what was lost
            }
            if (!chain.empty() && raw(sha256(chain + encoded + raw(sha256(data)))) != own)
                fault(fmt::format("{}/{}: the chain does not fit the bytes", uuid, seq));
            chain = own;
            expected = seq + 1;
            auto const attributes = attributes_in(encoded);
            if (attributes.at("id") != fmt::format("{}/{}", uuid, seq))
                fault(fmt::format("{}/{} says it is {}", uuid, seq, attributes.at("id")));
            take(site, attributes, data);
            ++verdict_.records;
        }
    }

    std::string ending(std::map<std::string, std::string> const& runs) {
        auto const& chunks = chunks_[runs.begin()->first][runs.begin()->second];
        if (chunks.empty()) return {};
        std::string const& last = chunks.rbegin()->second;
        return last.substr(last.size() - std::min<std::size_t>(last.size(), 40));
    }

    void take(std::string const& site, std::map<std::string, std::string> const& attributes, std::string const& data) {
        std::string const type = attributes.at("type").substr(std::string_view{"org.marrowlink."}.size());
        std::string const& source = attributes.at("source");
        Place const place{site, source.substr(source.rfind('/') + 1)};
        if (type == "run.readings") {
            auto const parsed = json::parse(data, "run.readings");
            auto const* const message = parsed->get_object().if_contains("message");
            if (!message) return;
            std::string text{message->get_string()};
            if (text.starts_with("H|")) text.erase(0, text.find('\r') + 1);  // an analyser says when it transmits, each time anew
            texts_[place][text].insert(attributes.at("sourcekey"));
            by_key_[place][attributes.at("sourcekey")].insert(text);
        } else if (type == "run.file") {
            chunks_[attributes.at("subject")][attributes.at("filesha256")][std::stoull(attributes.at("fileoffset"))] = data;
        } else if (type == "run.finished") {
            auto const parsed = json::parse(data, "run.finished");
            for (auto const& file : parsed->get_object().at("files").get_array()) {
                std::string const original{file.get_object().at("original_sha256").get_string()};
                originals_[place][original][attributes.at("subject")] = std::string{file.get_object().at("sha256").get_string()};
                if (parsed->get_object().at("state").get_string() != "unreadable") readable_[original].insert(attributes.at("subject"));
            }
        }
    }

    void compare(Measured const& one) {
        Place const place{one.site, one.instrument};
        ++verdict_.compared;
        if (one.owed) ++verdict_.owed;
        std::string const name = fmt::format("{}/{} {}", one.site, one.instrument, one.key.empty() ? one.text : one.key);
        if (one.kind == Measured::Kind::original) {
            known_originals_[place].insert(one.key);
            return compare_original(one, place, name);
        }
        known_texts_[place].insert(one.text);
        std::uint64_t times = texts_[place].contains(one.text) ? texts_[place][one.text].size() : 0;
        if (times > 1) return fault(fmt::format("{}: stored under {} keys, so counted so often", name, times));
        if (one.kind == Measured::Kind::keyed_line) {
            auto const& texts = by_key_[place][one.key];
            times = texts.size();
            if (times == 1 && *texts.begin() != one.text)
                return fault(fmt::format("{}: altered, the centre holds \"{}\"", name, *texts.begin()));
            if (times == 1 && counted_[place][one.key] != 1)
                return fault(fmt::format("{}: counted {} times", name, counted_[place][one.key]));
        }
        if (times > 1) return fault(fmt::format("{}: the centre holds {} different texts", name, times));
        if (times == 0) absent(one, name);
    }

    void compare_original(Measured const& one, Place const& place, std::string const& name) {
        std::map<std::string, std::string> runs;
        for (auto const& [run, sent] : originals_[place][one.key])
            if (readable_[one.key].contains(run)) runs[run] = sent;
        if (runs.empty()) return absent(one, name);
        if (runs.size() > 1) {
            std::string all;
            for (auto const& [run, sent] : runs) all += ' ' + run;
            return fault(fmt::format("{}: {} runs at the centre:{}", name, runs.size(), all));
        }
        auto const& [run, sent] = *runs.begin();
        std::string arrived;
        for (auto const& [offset, chunk] : chunks_[run][sent]) arrived += chunk;
        if (arrived.size() != one.text.size() || hex(sha256(arrived)) != sent)
            return fault(fmt::format("{}: its bytes at the centre are not those that were sent", name));
        for (std::size_t i = 0; i < arrived.size(); ++i)
            if (arrived[i] != one.text[i] && arrived[i] != ' ') return fault(fmt::format("{}: byte {} was altered", name, i));
    }

    void absent(Measured const& one, std::string const& name) {
        if (one.owed)
            fault(fmt::format(
                "{}: lost; measured at {}, {}", name, clock_text(one.at - began_),
                one.acknowledged == Clock::Instant{} ? "never acknowledged" : "acknowledged at " + clock_text(one.acknowledged - began_)));
        else
            ++verdict_.absent;
    }

    Truth const& truth_;
    Clock::Instant began_;
    sqlite3* database_ = nullptr;
    Verdict verdict_;
    std::map<Place, std::map<std::string, std::set<std::string>>> texts_;  // line → keys it was stored under
    std::map<Place, std::map<std::string, std::set<std::string>>> by_key_;
    std::map<Place, std::map<std::string, std::map<std::string, std::string>>> originals_;  // original SHA-256 → run → SHA-256 as sent
    std::map<std::string, std::set<std::string>> readable_;                                 // original SHA-256 → runs
    std::map<std::string, std::map<std::string, std::map<std::uint64_t, std::string>>> chunks_;
    std::map<Place, std::map<std::string, std::int64_t>> counted_;
    std::map<Place, std::set<std::string>> known_texts_, known_originals_;
    std::map<std::string, std::string> plates_;
};
}  // namespace

void Truth::doubt(std::string const& site, std::string const& gateway, Clock::Instant since) {
    for (Measured& one : all_)
        if (one.site == site && one.gateway == gateway && one.acknowledged >= since) one.owed = false;
}

Verdict judge(Truth const& truth, Clock::Instant began, std::filesystem::path const& central) { return Judge{truth, began, central}.run(); }

std::string clock_text(std::chrono::nanoseconds since_began) {
    auto const ms = since_began / std::chrono::milliseconds(1);
    return fmt::format("{:02}:{:02}:{:02}.{:03}", ms / 3'600'000, ms / 60'000 % 60, ms / 1'000 % 60, ms % 1'000);
}

}  // namespace marrowlink::storm
