"""Small plots as SVG: measured points beside a counted line."""

from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 300, 220, 48, 36, 28, 12
MEASURED, COUNTED, AXIS = "#c2410c", "#1d4ed8", "#64748b"


@dataclass(frozen=True)
class Panel:
    """Milliseconds against one quantity."""

    quantity: str
    places: list[float]
    measured: list[float]
    counted: list[float]


def figure(panels, title):
    """All panels side by side in rows of two, each with its own axes from zero."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * WIDTH}" height="{rows * HEIGHT + 24}" '
             f'font-family="sans-serif" font-size="11">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="8" y="16" font-size="13">{escape(title)}</text>']
    for index, panel in enumerate(panels):
        x, y = WIDTH * (index % columns), HEIGHT * (index // columns) + 24
        parts.append(f'<g transform="translate({x},{y})">{"".join(panel_parts(panel))}</g>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def panel_parts(panel):
    right, top = max(panel.places), max(panel.measured + panel.counted) * 1.1

    def point(place, value):
        return (LEFT + (WIDTH - LEFT - RIGHT) * place / right,
                HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top)

    line = " ".join("{:.1f},{:.1f}".format(*point(*pair)) for pair in zip(panel.places, panel.counted))
    yield f'<polyline points="{line}" fill="none" stroke="{COUNTED}" stroke-width="1.5"/>'
    for pair in zip(panel.places, panel.measured):
        yield '<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>'.format(*point(*pair), MEASURED)
    (left, base), (end, ceiling) = point(0, 0), point(right, top)
    yield f'<path d="M{left},{ceiling:.1f} V{base} H{end:.1f}" fill="none" stroke="{AXIS}"/>'
    for place in panel.places:
        x, _ = point(place, 0)
        yield f'<text x="{x:.1f}" y="{base + 14}" text-anchor="middle" fill="{AXIS}">{place:g}</text>'
    for share in (0.5, 1):
        value = top / 1.1 * share
        yield (f'<text x="{left - 4}" y="{point(0, value)[1] + 4:.1f}" text-anchor="end" fill="{AXIS}">'
               f'{value * 1e3:.0f}</text>')
    yield f'<text x="{(left + end) / 2:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(panel.quantity)}</text>'
    yield (f'<text x="{LEFT}" y="{TOP - 10}"><tspan fill="{MEASURED}">● measured</tspan> '
           f'<tspan fill="{COUNTED}">— counted</tspan>, ms</text>')
