"""Packets moved into a fresh MP4, the coded picture untouched: another container, sound, length or index."""

from __future__ import annotations

from pathlib import Path

import av
from av.packet import Packet

from media.opening import find_sound, find_video, opened, packets, ticks
from media.probe import Probe
from media.sound import SoundTrack


def copy_clip(source: Path, target: Path, *, probe: Probe, end: float) -> None:
    """Write the first `end` seconds of `source` as an MP4 with its index first.

    Picture packets are taken in coding order up to the first one that would end too late, so that no frame
    is left without those it refers to; a few frames before `end` may be lost to that.
    """
    with (
        opened(source) as container,
        av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as output,
    ):
        stream = find_video(container)
        video = output.add_stream_from_template(stream, opaque=True)
        sound_source = find_sound(container)
        sound = SoundTrack(output, sound_source, start=probe.start, end=end) if sound_source else None
        begin, ended = ticks(probe.start, stream.time_base), False
        for packet in packets(container, [stream, sound_source] if sound_source else [stream]):
            if packet.pts is None or packet.dts is None:
                continue
            if packet.stream.index == stream.index:
                ended = ended or _ends_after(packet, begin, end)
                if not ended:
                    packet.pts, packet.dts = packet.pts - begin, packet.dts - begin
                    packet.stream = video
                    output.mux(packet)
            elif sound:
                sound.take(packet)
        if sound:
            sound.finish()


def _ends_after(packet: Packet, begin: int, end: float) -> bool:
    assert packet.pts is not None
    return packet.pts - begin + (packet.duration or 0) > ticks(end + 1e-3, packet.time_base)
