"""Draws the help's picture anew: `python -m tests.draw_ways`. There are no words in it to translate."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

TARGET = Path(__file__).parents[1] / "cogs" / "ordering" / "ways.png"

WIDTH, HEIGHT, FINER = 780, 300, 3
GROUND, CARD, EDGE, SIGN = "#2b2d31", "#f4efe6", "#5865f2", "#dbdee1"
SKIN, SHIRT, TROUSERS, SHADOW = "#e0a27a", "#e4572e", "#2e4057", "#9aa0a6"

Point = tuple[float, float]
Pose = dict[str, tuple[Point, Point]]

STANDING: Pose = {
    "left arm": ((-16, 34), (-14, 62)),
    "right arm": ((16, 34), (14, 62)),
    "left leg": ((-9, 96), (-9, 126)),
    "right leg": ((9, 96), (9, 126)),
}
REACHING: Pose = {
    "left arm": ((-34, 22), (-48, -6)),
    "right arm": ((32, 36), (50, 18)),
    "left leg": ((-20, 92), (-38, 116)),
    "right leg": ((14, 94), (16, 126)),
}
TURNING: Pose = {
    "left arm": ((-32, 40), (-48, 22)),
    "right arm": ((34, 22), (46, -8)),
    "left leg": ((-12, 94), (-14, 126)),
    "right leg": ((22, 90), (42, 108)),
}


def main() -> None:
    image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), GROUND)
    pen = Pen(ImageDraw.Draw(image))
    pen.picture(left=24, pose=STANDING)
    pen.plus(at=(228, 150))
    pen.film(left=262)
    pen.arrow(at=(528, 150))
    pen.picture(left=572, pose=REACHING)
    image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).quantize(64).save(TARGET, optimize=True)


class Pen:
    """Draws in units of the finished picture."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw

    def picture(self, *, left: float, pose: Pose) -> None:
        """A framed picture of somebody."""
        self._box(left, 40, left + 184, 260, CARD, edge=EDGE)
        self.figure((left + 92, 104), pose, (SKIN, SHIRT, TROUSERS))

    def film(self, *, left: float) -> None:
        """A strip of film, somebody dancing from frame to frame."""
        self._box(left, 70, left + 236, 230, "#111214")
        for hole in range(11):
            for top in (78, 214):
                self._box(left + 12 + hole * 20, top, left + 24 + hole * 20, top + 8, GROUND)
        for number, pose in enumerate((REACHING, TURNING)):
            start = left + 10 + number * 110
            self._box(start, 94, start + 106, 206, CARD)
            self.figure((start + 53, 116), pose, (SHADOW, SHADOW, SHADOW), scale=0.66)

    def plus(self, *, at: Point) -> None:
        x, y = at
        self._line((x - 13, y), (x + 13, y), SIGN, 8)
        self._line((x, y - 13), (x, y + 13), SIGN, 8)

    def arrow(self, *, at: Point) -> None:
        x, y = at
        self._line((x - 18, y), (x + 18, y), SIGN, 8)
        self._line((x + 6, y - 14), (x + 20, y), SIGN, 8)
        self._line((x + 6, y + 14), (x + 20, y), SIGN, 8)

    def figure(self, neck: Point, pose: Pose, colours: tuple[str, str, str], *, scale: float = 1.0) -> None:
        skin, shirt, trousers = colours
        place = {"shoulder": (14.0, 8.0), "hip": (8.0, 62.0)}
        for name, (bend, end) in pose.items():
            joint, colour = ("shoulder", shirt) if "arm" in name else ("hip", trousers)
            side = -1 if name.startswith("left") else 1
            start = (place[joint][0] * side, place[joint][1])
            width = 11 if joint == "shoulder" else 14
            points = [(neck[0] + x * scale, neck[1] + y * scale) for x, y in (start, bend, end)]
            self._line(points[0], points[1], colour, width * scale)
            self._line(points[1], points[2], skin if joint == "shoulder" else colour, width * scale)
        x, y = neck
        self._box(x - 19 * scale, y, x + 19 * scale, y + 66 * scale, shirt, corner=14 * scale)
        self._ball((x, y - 18 * scale), 17 * scale, skin)

    def _line(self, start: Point, end: Point, colour: str, width: float) -> None:
        points = [(x * FINER, y * FINER) for x, y in (start, end)]
        self._draw.line(points, fill=colour, width=round(width * FINER))
        for point in (start, end):
            self._ball(point, width / 2, colour)

    def _ball(self, centre: Point, radius: float, colour: str) -> None:
        x, y = centre
        box = [(x - radius) * FINER, (y - radius) * FINER, (x + radius) * FINER, (y + radius) * FINER]
        self._draw.ellipse(box, fill=colour)

    def _box(self, left: float, top: float, right: float, bottom: float, colour: str, **more: object) -> None:
        edge, corner = more.get("edge"), more.get("corner", 12)
        assert isinstance(corner, int | float)
        self._draw.rounded_rectangle(
            [left * FINER, top * FINER, right * FINER, bottom * FINER],
            radius=min(corner, (right - left) / 3) * FINER,
            fill=colour,
            outline=str(edge) if edge else None,
            width=5 * FINER if edge else 0,
        )


if __name__ == "__main__":
    main()
