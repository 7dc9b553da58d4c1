#include "firmware/modbus_server.hpp"

#include <algorithm>

#include "firmware/elapsed.hpp"

namespace marrowlink::firmware {
using namespace wire;
using modbus::Exception;
using modbus::Function;

void ModbusServer::configure(std::uint8_t unit, std::uint32_t baud) {
    unit_ = unit;
    silence_us_ = modbus::frame_silence_us(baud);
    begin();
}

void ModbusServer::begin() {
    bytes_ = 0;
    line_ = Line::collecting;
}

void ModbusServer::give_up() {
    ++bad_frames_;
    line_ = Line::deaf;
}

void ModbusServer::receive(std::uint8_t byte, std::uint64_t at_us) {
    std::uint64_t const silence = elapsed_us(last_us_, at_us);
    last_us_ = at_us;
    if (line_ == Line::deaf && silence >= silence_us_) begin();
    if (line_ == Line::collecting && bytes_ > 0 && silence >= resynchronise_us) {
        ++bad_frames_;
        begin();
    }
    if (line_ == Line::deaf) return;
    if (line_ == Line::whole || bytes_ == request_.size()) return give_up();  // something follows without silence (2.5.1.1)
    request_[bytes_++] = byte;
    if (request_[0] != unit_ && request_[0] != modbus::broadcast) {
        line_ = Line::deaf;  // another's, or its answer
        return;
    }
    auto const expected = modbus::request_bytes(Bytes(request_).first(bytes_));
    if (!expected || *expected == 0 || bytes_ < *expected) return;
    if (modbus::whole(Bytes(request_).first(bytes_)))
        line_ = Line::whole;
    else
        give_up();
}

void ModbusServer::damaged(std::uint64_t at_us) {
    last_us_ = at_us;
    if (line_ != Line::deaf) give_up();
}

Bytes ModbusServer::poll(std::uint64_t now_us) {
    std::uint64_t const silence = elapsed_us(last_us_, now_us);
    if (silence < silence_us_ || line_ == Line::deaf || bytes_ == 0) return {};
    if (line_ == Line::collecting) {
        // A function without a known length ends with silence alone.
        bool const unknown = modbus::request_bytes(Bytes(request_).first(bytes_)) == 0u;
        if (!unknown && silence < resynchronise_us) return {};
        if (!unknown || !modbus::whole(Bytes(request_).first(bytes_))) {
            ++bad_frames_;
            begin();
            return {};
        }
    }
    bool const for_all = request_[0] == modbus::broadcast;
    std::size_t const bytes = for_all ? 0 : answer();  // nothing here may be written to everyone at once
    begin();
    if (bytes == 0) return {};
    ++answered_;
    return Bytes(response_).first(modbus::seal(response_, bytes));
}

std::size_t ModbusServer::refuse(Exception why) {
    response_[1] = static_cast<std::uint8_t>(request_[1] | modbus::exception_bit);
    response_[2] = static_cast<std::uint8_t>(why);
    return 3;
}

// Application Protocol 6; the state diagrams there give the order of the checks: function, count, address, then the deed.
std::size_t ModbusServer::answer() {
    std::copy_n(request_.begin(), 6, response_.begin());
    auto const function = static_cast<Function>(request_[1]);
    std::uint16_t const address = load_u16(request_, 2), count = load_u16(request_, 4);
    auto const read = [&](std::uint16_t first, std::uint16_t registers) -> std::size_t {
        response_[2] = static_cast<std::uint8_t>(2 * registers);
        if (auto const why = bank_.read(first, MutableBytes(response_).subspan(3, 2u * registers)); why != Exception::none)
            return refuse(why);
        return 3u + 2u * registers;
    };
    switch (function) {
        case Function::read_holding_registers:
        case Function::read_input_registers:
            if (count < 1 || count > modbus::read_registers_max) return refuse(Exception::illegal_data_value);
            if (!bank_.readable(address, count)) return refuse(Exception::illegal_data_address);
            return read(address, count);
        case Function::write_single_register: {
            auto const why = bank_.write(address, Bytes(request_).subspan(4, 2));
            return why == Exception::none ? 6 : refuse(why);
        }
        case Function::diagnostics: return address == 0 ? 6 : refuse(Exception::illegal_function);  // 00: return query data
        case Function::write_multiple_registers: {
            auto const why = write(address, count, 6, modbus::write_registers_max);
            return why == Exception::none ? 6 : refuse(why);
        }
        case Function::read_write_multiple_registers: {
            if (count < 1 || count > modbus::read_registers_max) return refuse(Exception::illegal_data_value);
            if (!bank_.readable(address, count)) return refuse(Exception::illegal_data_address);
            auto const why = write(load_u16(request_, 6), load_u16(request_, 8), 10, modbus::read_write_written_registers_max);
            return why == Exception::none ? read(address, count) : refuse(why);  // the write comes first (6.17)
        }
    }
    return refuse(Exception::illegal_function);
}

// `values_at`: where the byte count stands, before the values.
Exception ModbusServer::write(std::uint16_t address, std::uint16_t count, std::size_t values_at, std::uint16_t count_max) {
    if (count < 1 || count > count_max || request_[values_at] != 2 * count) return Exception::illegal_data_value;
    return bank_.write(address, Bytes(request_).subspan(values_at + 1, 2u * count));
}

}  // namespace marrowlink::firmware
