"""Numbers as people read them: decimal bytes, rates and times."""


def size(count: float) -> str:
    """Bytes with a decimal unit (1 MB = 10⁶ bytes, as disks are sold): 9.62 GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.2f} {unit}" if count < 100 * factor else f"{count / factor:.0f} {unit}"
    return "1 byte" if count == 1 else f"{count:.0f} bytes"


def rate(bytes_per_second: float) -> str:
    """Bytes a second: 151 MB/s, 3.20 GB/s."""
    if bytes_per_second >= 1e9:
        return f"{bytes_per_second / 1e9:.2f} GB/s"
    megabytes = bytes_per_second / 1e6
    return f"{megabytes:.0f} MB/s" if megabytes >= 10 else f"{megabytes:.1f} MB/s"


def duration(seconds: float) -> str:
    """Seconds with a sensible precision: 63.9 s, 0.42 s, 4.1 ms, 30 µs."""
    if seconds >= 0.0995:
        return f"{seconds:.1f} s" if seconds >= 9.95 else f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-4 or seconds == 0 else f"{seconds * 1e6:.0f} µs"


def span(seconds: float) -> str:
    """A long time as people plan with it: 63.9 s, 4.2 min, 41 min, 6.5 h, 3.1 days."""
    if seconds < 120:
        return duration(seconds)
    for unit, factor, most in (("min", 60, 5400), ("h", 3600, 172_800)):
        if seconds < most:
            return (
                f"{seconds / factor:.1f} {unit}"
                if seconds < 10 * factor
                else f"{seconds / factor:.0f} {unit}"
            )
    return f"{seconds / 86_400:.1f} days"
