"""The offline provider: PixelByte's HTTP API on loopback, with real clips and misbehaviour on request."""

from providers.sandbox.faults import Fate, Fault, Reset, Ring
from providers.sandbox.server import Options, Sandbox

__all__ = ["Fate", "Fault", "Options", "Reset", "Ring", "Sandbox"]
