"""Turns what was measured into figures, tables and JSON."""

import statistics


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def better(value, other, lower_is_better):
    """How many times as good as the other."""
    return other / value if lower_is_better else value / other


def compare(comparison, row, values, rows):
    """The ratios of the rounds, and with whom; None where nobody to compare with was measured."""
    others = [key for key in comparison.to if key in values]
    if not others or row.key not in values:
        return None
    choose = min if rows[others[0]].lower_is_better else max
    best = choose(others, key=lambda key: statistics.median(values[key]))
    ratios = [better(one, other, row.lower_is_better) for one, other in zip(values[row.key], values[best])]
    found = {"to": best, **summary(ratios)}
    if comparison.goal is not None:
        found["goal"] = comparison.goal
        found["reached"] = found["median"] >= comparison.goal
    return found


def figures(outcome):
    """The outcome of a benchmark, for JSON."""
    rows = {row.key: row for row in outcome.benchmark.rows}
    listed = []
    for row in outcome.benchmark.rows:
        if row.key not in outcome.values:
            continue
        values = outcome.values[row.key]
        figure = {"key": row.key, "what": row.what, "unit": row.unit, "lower_is_better": row.lower_is_better,
                  "values": values, **summary(values)}
        if row.goal is not None:
            figure["goal"] = row.goal
            figure["reached"] = figure["median"] <= row.goal if row.lower_is_better else figure["median"] >= row.goal
        figure["comparisons"] = []
        for comparison in row.comparisons:
            found = compare(comparison, row, outcome.values, rows)
            if found is not None:
                figure["comparisons"].append({"what": comparison.what, "share": comparison.share, **found})
        listed.append(figure)
    return {"name": outcome.benchmark.name, "title": outcome.benchmark.title, "rows": listed,
            "left_out": outcome.left_out, "notes": outcome.notes}


def number(value):
    """Three or four digits that count; thousands apart."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    for limit, decimals in ((100, 0), (10, 1), (1, 2), (0.1, 3)):
        if size >= limit:
            return f"{value:.{decimals}f}"
    return f"{value:.3g}"


def _cells(figure, unit, share=False, sign="≥"):
    def show(value):
        return f"{100 * value:.0f} %" if share else number(value)
    goal = ""
    if "goal" in figure:
        wanted = show(figure["goal"]) if share else f"{figure['goal']:,.10g}"
        goal = f"{sign} {wanted}: {'reached' if figure['reached'] else 'NOT reached'}"
    return show(figure["median"]), f"{show(figure['min'])} – {show(figure['max'])}", unit, goal


def table(benchmark):
    """A benchmark of `figures`, as text."""
    lines = []
    for row in benchmark["rows"]:
        lines.append((row["what"], *_cells(row, row["unit"], sign="≤" if row["lower_is_better"] else "≥")))
        for found in row["comparisons"]:
            lines.append((f"    {found['what']}", *_cells(found, "", found["share"])))
    header = ("", "median", "min – max", "", "goal")
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(5)]
    text = [f"== {benchmark['title']}"]
    for what, median, span, unit, goal in [header, *lines]:
        text.append(f"{what:<{widths[0]}}  {median:>{widths[1]}}  {span:>{widths[2]}}  {unit:<{widths[3]}}  "
                    f"{goal}".rstrip())
    for name, why in benchmark["left_out"].items():
        text.append(f"!! left out: {name}: {why}")
    text.extend(f"!! {note}" for note in benchmark["notes"])
    return "\n".join(text)
