#include "io/adapter_fault.hpp"

namespace marrowlink {

Task<Result<AdapterFault>> read_adapter_fault(ModbusMaster& bus, AdapterPlace const& place) {
    namespace at = wire::adapter::fault;
    auto const answer = co_await bus.ask(adapter_request(place, ModbusFunction::read_holding_registers, at::base, at::count));
    auto const good = adapter_done(bus, place, answer, "tell of its fault");
    if (!good) co_return fail(good.error());
    auto const two = [&](std::size_t from) { return static_cast<std::uint32_t>(number_at(answer->values, from, 2)); };
    AdapterFault out;
    out.number = answer->values[at::number];
    out.pc = two(at::pc);
    out.lr = two(at::lr);
    out.psr = two(at::psr);
    out.cfsr = two(at::cfsr);
    out.hfsr = two(at::hfsr);
    out.bfar = two(at::bfar);
    co_return out;
}

}  // namespace marrowlink
