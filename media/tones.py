"""How HDR is shown on ordinary screens: FFmpeg filters that bring HLG and PQ into BT.709.

Brightness goes through the exact curves (ITU-R BT.2100-2, tables 4 and 5), reference white at 203 cd/m²
(BT.2408) and a soft shoulder. Colours of the wide gamut are brought back by saturation alone: `lut3d`, which
does it right, took longer than the clip itself on two cores.
"""

from __future__ import annotations

_HLG = (
    "st(0,clip((val-minval)/(maxval-minval),0,1));"
    "st(1,if(lte(ld(0),0.5),ld(0)*ld(0)/3,(exp((ld(0)-0.55991073)/0.17883277)+0.28466892)/12));"
    "st(2,pow(ld(1),1.2)*1000)"
)
_PQ = (
    "st(0,pow(clip((val-minval)/(maxval-minval),0,1),1/78.84375));"
    "st(2,pow(max(ld(0)-0.8359375,0)/(18.8515625-18.6875*ld(0)),1/0.1593017578125)*10000)"
)
_WHITE = 203 / 0.8  # the brightness, in cd/m², that would be full white without the shoulder
_TO_SDR = (
    f"st(3,ld(2)/{_WHITE});"
    "st(4,if(lte(ld(3),0.6),ld(3),0.6+0.4*(1-exp((0.6-ld(3))/0.4))));"
    "minval+(maxval-minval)*pow(ld(4),1/2.4)"
)
_SATURATION = 1.25


def sdr_filters(curve: str) -> list[tuple[str, str]]:
    """Return the filters that turn frames of this curve (of `probe.CURVES`) into 8-bit BT.709."""
    light = _quoted(f"{_HLG if curve == 'hlg' else _PQ};{_TO_SDR}")
    middle = "(minval+maxval)/2"
    colour = _quoted(f"clip((val-{middle})*{_SATURATION}+{middle},minval,maxval)")
    return [
        ("format", "pix_fmts=yuv420p10le"),
        ("lutyuv", f"y={light}:u={colour}:v={colour}"),
        ("setparams", "color_primaries=bt2020:color_trc=bt709:colorspace=bt2020nc:range=tv"),
        ("colorspace", "all=bt709:format=yuv420p:fast=1"),
    ]


def _quoted(expression: str) -> str:
    return f"'{expression}'"
