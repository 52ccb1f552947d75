#!/usr/bin/python3
"""Makes tables of what compare.sh wrote: summarize.py RESULTS.JSONL. For each number of threads all figures, and ratios
as Markdown: medians of the rounds' ratios with their range."""

import json
import sys
from statistics import median

# Measure, the figure in its JSON, what the table calls it; whether less is better, and how the row of ratios begins.
FIGURES = [
    ("train", "train", "trained, images/s", False, "training{batch}, to PyTorch"),
    ("classify", "classify", "classified, images/s", False, "classifying{batch}, to ONNX Runtime"),
    ("latency", "latency_p50_ms", "one image, p50, ms", True, "one image, latency to ONNX Runtime's"),
    ("latency", "latency_p99_ms", "one image, p99, ms", True, None),
    ("memory", "peak_mib", "training's memory, MiB", True, "memory of training{batch}, to PyTorch's"),
]


def load(path):
    """{(measure, threads, batch, network): {side: [found by round]}}, in the order of measuring; of an unfinished run,
    what can be compared already."""
    cases = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            case = tuple(entry[key] for key in ("measure", "threads", "batch", "network"))
            cases.setdefault(case, {}).setdefault(entry["side"], []).append(entry["found"])
    return {case: sides for case, sides in cases.items() if len(sides) > 1}


def compare(sides, figure, less):
    """Ours, the better peer, its side's name, and the rounds' ratios; a round that was cut short is left out."""
    values = {side: [found[figure] for found in rounds] for side, rounds in sides.items()}
    ours = values.pop("cnn")
    peer = (min if less else max)(values, key=lambda side: median(values[side]))
    return median(ours), median(values[peer]), peer, [a / b for a, b in zip(ours, values[peer])]


def with_range(ratios):
    if len(ratios) == 1:
        return f"{ratios[0]:.2f}"
    return f"{median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"


def distinct(cases, position):
    return list(dict.fromkeys(case[position] for case in cases))


def print_figures(cases, threads):
    print(f"\nthreads {threads}")
    print(f"{'network':12} {'batch':>5}  {'':24} {'cnn':>9} {'peer':>9}  {'':14}  ratio: median [range]")
    for measure, figure, text, less, _ in FIGURES:
        for (found, its_threads, batch, network), sides in cases.items():
            if found == measure and its_threads == threads:
                ours, peer, side, ratios = compare(sides, figure, less)
                print(f"{network:12} {batch:5}  {text:24} {ours:9.5g} {peer:9.5g}  {side:14}  {with_range(ratios)}")


def print_ratios(cases, threads):
    networks = distinct(cases, 3)
    print(f"\n| threads {threads} | " + " | ".join(networks) + " |")
    print("|---" * (len(networks) + 1) + "|")
    for measure, figure, _, less, row in FIGURES:
        for batch in distinct((case for case in cases if row and case[:2] == (measure, threads)), 2):
            found = [cases.get((measure, threads, batch, network)) for network in networks]
            cells = [with_range(compare(sides, figure, less)[3]) if sides else "" for sides in found]
            print(f"| {row.format(batch=f', batch {batch}')} | " + " | ".join(cells) + " |")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cases = load(sys.argv[1])
    for threads in distinct(cases, 1):
        print_figures(cases, threads)
    for threads in distinct(cases, 1):
        print_ratios(cases, threads)


if __name__ == "__main__":
    main()
