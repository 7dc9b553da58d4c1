#include "io/modbus_port.hpp"

#include <fmt/format.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/modbus_frame.hpp"

namespace marrowlink {
namespace {
using std::chrono::milliseconds;
constexpr milliseconds slice{50};      // how soon `stopping` is noticed
constexpr std::size_t mbap_bytes = 7;  // MODBUS Messaging on TCP/IP, 3.1.3: transaction, protocol, length, unit
constexpr std::size_t crc_bytes = 2;

// V1.02, 2.5.1.1: 3.5 characters of 11 bits between frames; 1.75 ms above 19 200 baud.
milliseconds silence_between_frames(int baud) {
    if (baud > 19'200) return milliseconds{2};
    return milliseconds{(35 * 11 * 100 + baud - 1) / baud + 1};
}
}  // namespace

void ModbusPort::Free::operator()(_modbus* context) const {
    modbus_close(context);
    modbus_free(context);
}

ModbusPort::ModbusPort(ModbusPlace place, Clock const& clock, std::atomic<bool> const& stopping)
    : place_(std::move(place)), clock_(clock), stopping_(stopping) {}
ModbusPort::~ModbusPort() = default;

void ModbusPort::close() {
    context_.reset();
    claim_.reset();
    timeouts_ = 0;
}

Result<void> ModbusPort::open() {
    close();  // an old handle blocks the port for everybody, ourselves included (field 35, 39)
    auto const* const serial = std::get_if<ModbusSerial>(&place_);
    auto opened = serial ? open_serial(*serial) : open_tcp(std::get<ModbusTcp>(place_));
    if (!opened) {
        close();
        return opened;
    }
    auto const gap = std::chrono::duration_cast<std::chrono::microseconds>(modbus_byte_gap_max);
    modbus_set_response_timeout(context_.get(), 0, static_cast<std::uint32_t>(gap.count()));
    modbus_set_byte_timeout(context_.get(), 0, static_cast<std::uint32_t>(gap.count()));
    return {};
}

Result<void> ModbusPort::open_serial(ModbusSerial const& serial) {
    if (!is_modbus_baud(serial.baud))
        return fail(Fault::configuration, fmt::format("{} asks for {} baud, which is no rate of a Modbus line.", serial.path, serial.baud));
    auto claim = PortClaim::take(serial.path);
    if (!claim) return fail(claim.error());
    claim_ = std::move(*claim);
    char const parity = serial.parity == Parity::none ? 'N' : serial.parity == Parity::odd ? 'O' : 'E';
    context_.reset(modbus_new_rtu(serial.path.c_str(), serial.baud, parity, 8, serial.stop_bits));
    if (!context_) return fail(Fault::configuration, fmt::format("{} cannot be used: {}.", describe(place_), modbus_strerror(errno)));
    if (modbus_connect(context_.get()) != 0) {
        if (errno == ENOTTY) return fail(Fault::configuration, fmt::format("{} is not a serial port.", serial.path));
        return fail(port_failure(serial.path, errno));
    }
    claim_->exclude_others();
    frame_silence_ = silence_between_frames(serial.baud);
    return {};
}

Result<void> ModbusPort::open_tcp(ModbusTcp const& tcp) {
    context_.reset(modbus_new_tcp_pi(tcp.host.c_str(), std::to_string(tcp.port).c_str()));
    if (!context_) return fail(Fault::configuration, fmt::format("{} cannot be used: {}.", describe(place_), modbus_strerror(errno)));
    modbus_set_response_timeout(context_.get(), static_cast<std::uint32_t>(modbus_tcp_connect_max.count()), 0);
    if (modbus_connect(context_.get()) == 0) return {};
    std::string const cause = errno == EINPROGRESS ? "nobody answers" : std::strerror(errno);
    return fail(Fault::unavailable, fmt::format("{} did not accept the connection: {}. Is the device switched on and in this network? Try: "
                                                "nc -zv {} {}",
                                                describe(place_), cause, tcp.host, tcp.port));
}

ModbusPort::Ready ModbusPort::readable(Clock::Instant until) const {
    for (;;) {
        auto const left = std::chrono::ceil<milliseconds>(until - clock_.now());
        pollfd port{modbus_get_socket(context_.get()), POLLIN, 0};
        int const n = ::poll(&port, 1, static_cast<int>(std::clamp(left, milliseconds{0}, slice).count()));
        if (n > 0) return port.revents & POLLIN ? Ready::yes : Ready::gone;
        if (n < 0 && errno != EINTR) return Ready::gone;
        if (stopping_ || clock_.now() >= until) return Ready::no;
    }
}

ModbusPort::Ready ModbusPort::silence(milliseconds span, Clock::Instant since) {
    auto const limit = clock_.now() + modbus_drain_max;
    std::array<std::uint8_t, 512> noise;
    while (clock_.now() < limit) {
        Ready const ready = readable(since + span);
        if (ready != Ready::yes) return ready == Ready::no ? Ready::yes : Ready::gone;
        ssize_t const n = ::read(modbus_get_socket(context_.get()), noise.data(), noise.size());
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return Ready::gone;  // readable, and nothing to read: it hung up
        since = clock_.now();
    }
    return Ready::no;
}

bool ModbusPort::send(ModbusRequest const& request) {
    auto const frame = encode(request);
    if (!is_tcp()) {
        modbus_set_slave(context_.get(), request.unit);
        int const sent = modbus_send_raw_request(context_.get(), frame.data(), static_cast<int>(frame.size()));
        return sent == static_cast<int>(frame.size() + crc_bytes);
    }
    // libmodbus 3.1.6 sends raw requests with transaction number 0, always; then a late answer could not be told from the next.
    ++transaction_;
    auto const high = [](std::size_t word) { return static_cast<std::uint8_t>(word >> 8); };
    auto const low = [](std::size_t word) { return static_cast<std::uint8_t>(word & 0xFF); };
    std::vector<std::uint8_t> adu{high(transaction_), low(transaction_), 0, 0, high(frame.size()), low(frame.size())};
    adu.insert(adu.end(), frame.begin(), frame.end());
    auto const sent = ::send(modbus_get_socket(context_.get()), adu.data(), adu.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(adu.size());
}

tl::unexpected<Error> ModbusPort::lost(int error) {
    close();
    std::string const cause = error == 0 ? "it was closed by the other side" : std::strerror(error);
    if (is_tcp()) return fail(Fault::unavailable, fmt::format("The connection to {} ended: {}.", describe(place_), cause));
    return fail(Fault::unavailable, fmt::format("{} failed: {}. Was it unplugged? What is there: ls -l /dev/serial/by-id",
                                                std::get<ModbusSerial>(place_).path, cause));
}

tl::unexpected<Error> ModbusPort::unanswered(ModbusRequest const& request, std::string const& dropped) {
    if (stopping_) return fail(Fault::unavailable, fmt::format("{} was closed here.", describe(place_)));
    if (is_tcp() && ++timeouts_ >= modbus_tcp_timeouts_max) close();
    std::string const what =
        fmt::format("Unit {} on {} did not answer within {} ms", request.unit, describe(place_), request.response_timeout.count());
    if (dropped.empty()) return fail(Fault::timed_out, what + ".");
    return fail(Fault::refused, fmt::format("{}; what came is no answer to \"{}\": {}.", what, words_of(request.function), dropped));
}

Result<ModbusAnswer> ModbusPort::exchange(ModbusRequest const& request) {
    // Whatever comes now belongs to no question of ours. Often it has been silent long enough since the last answer.
    auto const since = std::exchange(answered_, std::nullopt).value_or(clock_.now());
    Ready const silent = is_tcp() ? Ready::yes : silence(frame_silence_, since);
    if (stopping_) return unanswered(request, "");
    if (silent == Ready::gone) return lost(EIO);
    if (silent == Ready::no)
        return fail(Fault::refused,
                    fmt::format("{} does not fall silent: check the cable, the baud rate and who else talks there.", describe(place_)));
    errno = 0;
    if (!send(request)) return lost(errno);
    auto answer = await_answer(request);
    if (answer) {
        timeouts_ = 0;
        answered_ = clock_.now();
    }
    if (!answer && is_open() && !is_tcp()) silence(modbus_silence_after_fault, clock_.now());
    return answer;
}

Result<ModbusAnswer> ModbusPort::await_answer(ModbusRequest const& request) {
    auto const sent = clock_.now();
    std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> adu;
    std::string dropped;  // the last of what came and was no answer
    for (;;) {
        Ready const ready = readable(sent + request.response_timeout);
        if (ready == Ready::gone) return lost(EIO);
        if (ready == Ready::no) return unanswered(request, dropped);
        errno = 0;
        int const length = modbus_receive_confirmation(context_.get(), adu.data());
        if (length < 0 && errno == EMBBADCRC) {
            return fail(Fault::refused, fmt::format("The answer of unit {} on {} was damaged: its CRC is wrong. Check cable, termination, "
                                                    "baud rate and parity.",
                                                    request.unit, describe(place_)));
        }
        if (length < 0 && (errno == ETIMEDOUT || errno == EMBMDATA) && !is_tcp()) {
            return fail(Fault::refused, fmt::format("The answer of unit {} on {} was cut.", request.unit, describe(place_)));
        }
        if (length < 0) return lost(errno == ECONNRESET ? 0 : errno);
        if (length == 0) {
            dropped = fmt::format("it comes from unit {}", adu[0]);
            continue;
        }
        std::span<std::uint8_t const> frame{adu.data(), static_cast<std::size_t>(length)};
        if (is_tcp()) {
            if (frame.size() < mbap_bytes || (frame[4] << 8 | frame[5]) + mbap_bytes - 1 != frame.size()) return lost(EBADMSG);
            if ((frame[0] << 8 | frame[1]) != transaction_) continue;  // a late answer; on TCP it cannot be mistaken
            frame = frame.subspan(mbap_bytes - 1);
        } else {
            frame = frame.first(frame.size() - crc_bytes);
        }
        ModbusVerdict verdict = judge(request, frame);
        if (verdict.answer) {
            verdict.answer->took = std::chrono::duration_cast<std::chrono::microseconds>(clock_.now() - sent);
            return *std::move(verdict.answer);
        }
        dropped = std::move(verdict.otherwise);
    }
}

}  // namespace marrowlink
