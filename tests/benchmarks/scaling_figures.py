"""What tests/benchmarks/scaling found: figures, a table and a picture. Standard library only."""

import math
import re

from report import number, summary

# Of the picture, in its own units.
WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 40, 48


def figures(values, actors):
    """One for each number of actors: rate, speed-up and share of linear, round by round against one actor."""
    one = values["demonstrations-1"]
    found = []
    for n in actors:
        rates = values[f"demonstrations-{n}"]
        shares = [rate / (n * single) for rate, single in zip(rates, one)]
        found.append({"actors": n, "demonstrations": {**summary(rates), "values": rates},
                      "transitions": summary(values[f"transitions-{n}"]), "cores": summary(values[f"cores-{n}"]),
                      "share": {**summary(shares), "values": shares}})
    return found


def text(found):
    lines = ["actors  demonstrations/s  (min – max)          transitions/s  of linear  (min – max)    cores busy"]
    for figure in found:
        rate, share = figure["demonstrations"], figure["share"]
        lines.append(f"{figure['actors']:>6}  {number(rate['median']):>16}  "
                     f"{'(' + number(rate['min']) + ' – ' + number(rate['max']) + ')':<19}  "
                     f"{number(figure['transitions']['median']):>13}  {share['median']:>9.3f}  "
                     f"({share['min']:.3f} – {share['max']:.3f})  {figure['cores']['median']:>9.2f}")
    return "\n".join(lines)


def table(found):
    """Markdown, a column for each number of actors."""
    def row(head, cells):
        return f"| {' | '.join([head, *cells])} |"
    return "\n".join([
        row("actors", [str(figure["actors"]) for figure in found]),
        row("---", ["---"] * len(found)),
        row("demonstrations/s", [number(figure["demonstrations"]["median"]) for figure in found]),
        row("of linear", [f"{figure['share']['median']:.2f}" for figure in found])])


def with_table(page, found):
    """The text, with its table of actors replaced."""
    changed, count = re.subn(r"^\| actors \|.*\n(?:\|.*\n)*", lambda _: table(found) + "\n", page, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"the page has {count} tables that begin with '| actors |', expected one")
    return changed


STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 12px; fill: #59636e }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .linear { stroke: #8b949e; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none }
  .measured { stroke: #0969da; stroke-width: 2; fill: none }
  .point { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d }
    .measured { stroke: #4493f8 } .point { fill: #4493f8 }
  }
"""


def _ticks(low, high):
    """1, 2 or 5 times powers of ten, from the last one below to the first one above."""
    steps = [m * 10.0 ** e for e in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
             for m in (1, 2, 5)]
    begin = max(step for step in steps if step <= low)
    return [step for step in steps if begin <= step <= min(s for s in [*steps, 10 * steps[-1]] if s >= high)]


def svg(found):
    """Demonstrations/s over actors, both axes logarithmic, beside what linear scaling from one actor would give."""
    actors = [figure["actors"] for figure in found]
    one = found[0]["demonstrations"]["median"]
    linear = [one * n for n in actors]
    rates = [figure["demonstrations"]["median"] for figure in found]
    ticks = _ticks(min(rates), max(linear + rates))

    def x(n):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(n / actors[0]) / math.log(actors[-1] / actors[0])

    def y(rate):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(rate / ticks[0]) / math.log(ticks[-1] / ticks[0])

    def line(kind, heights):
        return f'<polyline class="{kind}" points="{" ".join(f"{x(n):.1f},{y(h):.1f}" for n, h in zip(actors, heights))}"/>'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
             f'height="{HEIGHT}" role="img" aria-label="Demonstrations per second by the number of actors">',
             f"<style>{STYLE}</style>", f'<text x="{LEFT}" y="22">demonstrations/s, by the number of actors</text>']
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y(tick):.1f}" x2="{WIDTH - RIGHT}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="small" x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,.10g}</text>')
    for n in actors:
        parts.append(f'<text class="small" x="{x(n):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{n}</text>')
    parts += [line("linear", linear), line("measured", rates)]
    for n, rate in zip(actors, rates):
        parts.append(f'<circle class="point" cx="{x(n):.1f}" cy="{y(rate):.1f}" r="4"/>')
    for index, (kind, what) in enumerate((("measured", "measured"), ("linear", "linear from one actor"))):
        height = HEIGHT - BOTTOM - 34 + 18 * index
        parts.append(f'<line class="{kind}" x1="{WIDTH - 190}" y1="{height}" x2="{WIDTH - 160}" y2="{height}"/>')
        parts.append(f'<text class="small" x="{WIDTH - 152}" y="{height + 4}">{what}</text>')
    parts.append(f'<text class="small" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">actors'
                 "</text></svg>")
    return "\n".join(parts) + "\n"
