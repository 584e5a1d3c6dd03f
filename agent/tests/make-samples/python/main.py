"""Says the same things through the JSON loggers of Python."""

import logging
import pathlib
import sys
import time

import ecs_logging
import structlog
from pythonjsonlogger.json import JsonFormatter

ROOT = pathlib.Path(sys.argv[1])
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
LEVELS = {"debug": "debug", "info": "info", "warning": "warn", "error": "error", "critical": "fatal"}


def place(form, name):
    folder = ROOT / form
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"made_{name}.log"


def now_ms():
    return time.time_ns() // 1_000_000


def fail():
    raise TimeoutError("db timeout")


def say_logging(path, formatter):
    handler = logging.FileHandler(path, mode="w")
    handler.setFormatter(formatter)
    log = logging.Logger("shop.db", logging.DEBUG)
    log.addHandler(handler)
    for method, level in LEVELS.items():
        getattr(log, method)(f"said at {level}", extra={"said_ms": now_ms(), "trace_id": TRACE_ID})
    log.info("took 3 ms", extra={"duration_ms": 3, "said_ms": now_ms()})
    try:
        fail()
    except TimeoutError:
        log.exception("failed", extra={"said_ms": now_ms()})
    handler.close()


def say_structlog(path, processors):
    with open(path, "w", encoding="utf-8") as out:
        log = structlog.wrap_logger(
            structlog.WriteLogger(out),
            processors=[*processors, structlog.processors.JSONRenderer()],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        )
        for method, level in LEVELS.items():
            getattr(log, method)(f"said at {level}", said_ms=now_ms(), trace_id=TRACE_ID)
        log.info("took 3 ms", duration_ms=3, said_ms=now_ms())
        try:
            fail()
        except TimeoutError:
            log.exception("failed", said_ms=now_ms())


ASKED = "%(asctime)s %(name)s %(levelname)s %(message)s %(funcName)s %(lineno)d %(filename)s %(process)d %(threadName)s"
say_logging(place("python", "asctime"), JsonFormatter(ASKED))
say_logging(place("python", "timestamp"), JsonFormatter("%(levelname)s %(message)s", timestamp=True))
say_logging(place("ecs", "python"), ecs_logging.StdlibFormatter())

dicts = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
level, iso, epoch = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.TimeStamper(),
)
say_structlog(place("structlog", "iso"), [level, iso, structlog.processors.format_exc_info])
say_structlog(place("structlog", "epoch_and_dicts"), [level, epoch, dicts])
