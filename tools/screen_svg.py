#!/usr/bin/python3
"""Draw a terminal screen as SVG: text with ANSI colours in, a picture out.

    stoker sweep show last --map fast,slow,sharpe --color always | tools/screen_svg.py >docs/map.svg

Knows what stoker prints: bold, dim, the 16 and the 256 colours, for letters and
ground. Cells are drawn one by one, so no font can shift them.
"""
import html
import re
import sys
import unicodedata

CELL_W, CELL_H, MARGIN = 8.4, 18, 14
GROUND, INK, DIM = "#15171c", "#d7dae0", "#8a8f9a"
BASIC = ["#15171c", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0",
         "#5c6370", "#ff7b86", "#b5e890", "#ffd68a", "#7cc4ff", "#e08cff", "#6fd6e3", "#ffffff"]


def colour(index):
    if index < 16:
        return BASIC[index]
    if index >= 232:
        level = 8 + 10 * (index - 232)
        return f"#{level:02x}{level:02x}{level:02x}"
    steps = [0, 95, 135, 175, 215, 255]
    index -= 16
    return "#" + "".join(f"{steps[part]:02x}" for part in (index // 36, index // 6 % 6, index % 6))


class Pen:
    def __init__(self):
        self.ink, self.ground, self.bold = INK, None, False

    def take(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.__init__()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.ink = DIM
            elif code in (38, 48) and len(codes) >= 2 and codes[0] == 5:
                value = colour(codes[1])
                codes = codes[2:]
                if code == 38:
                    self.ink = value
                else:
                    self.ground = value
            elif 30 <= code <= 37:
                self.ink = BASIC[code - 30]
            elif 90 <= code <= 97:
                self.ink = BASIC[code - 82]
            elif code == 39:
                self.ink = INK
            elif code == 49:
                self.ground = None


def paint(shapes, x, y, fill):
    """One more cell of ground; a run of one colour is one rectangle."""
    if shapes and shapes[-1][1:] == [x, y, fill]:
        shapes[-1][1] = round(x + CELL_W, 1)
    else:
        shapes.append([x, round(x + CELL_W, 1), y, fill])


def rectangle(left, right, y, fill):
    return f'<rect x="{left:.1f}" y="{y}" width="{right - left + .2:.1f}" height="{CELL_H}" fill="{fill}"/>'


def draw(text):
    pen, shapes, letters, width = Pen(), [], [], 0
    lines = text.rstrip("\n").split("\n")
    for row, line in enumerate(lines):
        column, y = 0, MARGIN + row * CELL_H
        for part in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b])", line):
            if not part[1]:
                pen.take(part[0])
                continue
            char, x = part[1], round(MARGIN + column * CELL_W, 1)
            if pen.ground:
                paint(shapes, x, y, pen.ground)
            if char == "█":
                paint(shapes, x, y, pen.ink)
            elif char != " ":
                weight = ' font-weight="bold"' if pen.bold else ""
                letters.append(f'<text x="{x:.1f}" y="{y + 13}" fill="{pen.ink}"{weight}>{html.escape(char)}</text>')
            column += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        width = max(width, column)
    w, h = 2 * MARGIN + width * CELL_W, 2 * MARGIN + len(lines) * CELL_H
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h}" viewBox="0 0 {w:.0f} {h}" '
                      'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13">',
                      f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>', *(rectangle(*shape) for shape in shapes), *letters, "</svg>"])


print(draw(sys.stdin.read()))
