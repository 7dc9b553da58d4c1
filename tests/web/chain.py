#!/usr/bin/env python3
"""The demonstration's world for the browser tests: the programs that are shipped, a broker and simulated instruments.

Prints the addresses of both pages as one line of JSON, then obeys one command a line from standard input and answers each with a line of JSON:
`kill NAME`, `start NAME` (broker, central, reader, gateway), `drop` (an export file), `verify` (both sides prove their stored bytes), `logs` (the end of each program's).
Stops all that it started when its input ends, however its parent ended."""

import contextlib
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from demo import Demo  # noqa: E402

READ_SECONDS = 5  # longer than the centre's page waits between two answers, so that it shows a run in progress


def obey(demo, command, name=None):
    if command == "drop":
        demo.drop_file()
    elif command == "verify":
        return {"proof": demo.world.verify()}
    elif command == "logs":
        return {"logs": "\n".join(f"— the end of {process.name}'s log\n{process.tail(8)}" for process in demo.world.processes)}
    elif command in ("kill", "start"):
        getattr(next(process for process in demo.world.processes if process.name == name), command)()
    else:
        raise RuntimeError(f"no command {command}")
    return {}


def main():
    out = sys.stdout

    def answer(**said):
        print(json.dumps(said), file=out, flush=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(KeyboardInterrupt):
        demo = Demo(keep=False, read_seconds=READ_SECONDS)
        try:
            demo.start()
            answer(gateway=f"http://127.0.0.1:{demo.world.gateway_port}", centre=f"http://127.0.0.1:{demo.world.central_port}")
            for line in sys.stdin:
                try:
                    answer(**obey(demo, *line.split()))
                except (RuntimeError, TimeoutError) as problem:
                    answer(problem=str(problem))
        except (RuntimeError, TimeoutError, OSError) as problem:
            answer(problem=f"{problem}")
        finally:
            demo.stop()


if __name__ == "__main__":
    main()
