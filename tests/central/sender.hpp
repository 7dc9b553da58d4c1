// A gateway as the centre sees it: numbers, chains and publishes drafts. Its outbox is a vector, so that a test can send any of it again.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/record.hpp"
#include "core/run.hpp"
#include "core/uplink.hpp"

namespace marrowlink::test {

inline Message message_of(std::string const& site, std::string const& gateway, Record const& record) {
    Message message;
    std::string const source{record.attribute("source")};
    message.topic = topic::record(site, gateway, source.substr(source.rfind('/') + 1), record.type());
    message.payload = record.data;
    auto attributes = decode_attributes(record.attributes);
    for (auto& [name, value] : *attributes) {
        if (name == "datacontenttype")
            message.content_type = value;
        else
            message.properties.emplace_back(name, value);
    }
    message.properties.emplace_back("chain", hex(record.chain));
    return message;
}

class Sender {
 public:
    explicit Sender(std::string stream, std::string site = "lyon", std::string gateway = "bench-1")
        : origin{std::move(site), std::move(gateway), std::move(stream)}, chain_(chain_start(origin.stream)) {}

    Message send(Draft const& draft) {
        Record record;
        record.seq = outbox.size() + 1;
        record.attributes = attributes_of(draft, origin, {"2026-11-25T02:30:00.000Z", "boot", 1000 + record.seq, true}, record.seq);
        record.data = draft.data;
        record.chain = chain_ = chain_next(hash_, chain_, record.attributes, record.data);
        outbox.push_back(record);
        return again(record.seq);
    }
    std::vector<Message> send(std::vector<Draft> const& drafts) {
        std::vector<Message> out;
        for (Draft const& draft : drafts) out.push_back(send(draft));
        return out;
    }
    Message again(std::uint64_t seq) const { return message_of(origin.site, origin.gateway, outbox.at(seq - 1)); }
    std::vector<Message> again(std::uint64_t first, std::uint64_t last) const {
        std::vector<Message> out;
        for (std::uint64_t seq = first; seq <= last; ++seq) out.push_back(again(seq));
        return out;
    }
    Message birth() const {
        Message message;
        message.topic = topic::gateway_state(origin.site, origin.gateway);
        message.payload = fmt::format(R"({{"state":"online","stream":"{}","version":"0.1.0"}})", origin.stream);
        message.retain = true;
        return message;
    }

    Origin origin;
    std::vector<Record> outbox;

 private:
    Digest chain_;
    Sha256 hash_;
};

inline RunIdentity identity(std::string key, std::string instrument = "reader-1") {
    std::string run = run_id_of(instrument, key, hex(sha256(key)));
    return {std::move(instrument), "folder", std::move(run), std::move(key)};
}

inline Draft line_message(std::string const& key, std::string const& text) {
    RunIdentity const id{"line-1", "line", run_id_of("line-1", key, hex(sha256(text))), key};
    return run_message(id, text);
}

// A whole run of one plate and one file: what a folder instrument sends.
inline std::vector<Draft> plate_run(RunIdentity const& id, std::string const& bytes, std::size_t wells, std::string plate = "PLATE-7") {
    std::vector<Reading> readings;
    for (std::size_t i = 0; i < wells; ++i) {
        Reading reading;
        reading.well = fmt::format("{}{}", static_cast<char>('A' + i / 12 % 8), i % 12 + 1);
        reading.value = fmt::format("0.{:04}", i);
        readings.push_back(std::move(reading));
    }
    std::string const sha = hex(sha256(bytes));
    std::vector<Draft> out = run_readings(id, readings);
    RunManifest manifest;
    manifest.plate = std::move(plate);
    manifest.blocks = out.size();
    manifest.files = {{"export", "agilent-gen5", sha, sha, bytes.size(), 0}};
    manifest.readings = &readings;
    for (Draft& chunk : run_file(id, bytes, sha)) out.push_back(std::move(chunk));
    out.push_back(run_finished(id, manifest));
    return out;
}

inline Draft plain(std::string_view type, std::string data, std::string instrument = "gateway") {
    Draft draft;
    draft.type = type;
    draft.instrument = std::move(instrument);
    draft.data = std::move(data);
    return draft;
}

inline constexpr char const* stream_a = "aaaaaaaa-0000-4000-8000-000000000001";
inline constexpr char const* stream_b = "bbbbbbbb-0000-4000-8000-000000000002";

}  // namespace marrowlink::test
