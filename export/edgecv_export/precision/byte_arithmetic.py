"""What this machine's processor multiplies bytes with."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class ByteArithmetic:
    """``saturates``: products of uint8 and int8 are added up in 16 bits, which 8-bit weights can
    overflow; 7-bit ones cannot."""

    name: str
    saturates: bool


def byte_arithmetic(cpuinfo: str | None = None) -> ByteArithmetic:
    """Of this machine, or of another from its /proc/cpuinfo.

    Where it is not known, the answer is the careful one.
    """
    if cpuinfo is None:
        cpuinfo = CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.is_file() else ""
        if platform.machine().lower() in ("arm64", "aarch64"):
            return ByteArithmetic("Arm NEON", False)  # its dot products add up in 32 bits
    flags = {word for line in cpuinfo.splitlines() for word in line.partition(":")[2].split()}
    if "avx512_vnni" in flags:
        return ByteArithmetic("AVX-512 VNNI", False)
    if "avx_vnni" in flags:
        return ByteArithmetic("AVX-VNNI", False)
    if "asimd" in flags:
        return ByteArithmetic("Arm NEON", False)
    for flag, name in (("avx512bw", "AVX-512"), ("avx2", "AVX2"), ("sse4_1", "SSE4.1")):
        if flag in flags:
            return ByteArithmetic(f"{name} without VNNI", True)
    return ByteArithmetic("unknown", True)
