#!/usr/bin/env python3
"""The probabilities of a golden model, in double precision and plain loops, from nothing but its file: what cnn must
agree with. Knows the statements that the golden recipes have, with the defaults of format "cnn 1".

    python3 tests/golden/expect.py tests/golden/tiny.safetensors > tests/golden/tiny.expected

Image k's byte i is (37 * i + 11 * k * k + 5) modulo 256."""
import json
import math
import struct
import sys

IMAGES = 4


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = struct.unpack("<%df" % ((end - begin) // 4), content[8 + size + begin:8 + size + end])
    return metadata, tensors


def conv(x, options, tensors, name):
    """x[row][column][channel]; weights [filter][row][column][channel of the group]."""
    kernel = int(options.get("kernel", 3))
    groups, filters = int(options.get("groups", 1)), int(options["filters"])
    pad = (kernel - 1) // 2 if options.get("padding") == "same" else 0
    height, width, channels = len(x), len(x[0]), len(x[0][0]) // groups
    weight, bias = tensors[name + ".weight"], tensors.get(name + ".bias", [0.0] * filters)

    def value(row, column, f):
        total, group = bias[f], f // (filters // groups)
        for i in range(kernel):
            for j in range(kernel):
                r, c = row + i - pad, column + j - pad
                if 0 <= r < height and 0 <= c < width:
                    for k in range(channels):
                        total += x[r][c][group * channels + k] * weight[((f * kernel + i) * kernel + j) * channels + k]
        return total

    return [[[value(row, column, f) for f in range(filters)] for column in range(width + 2 * pad - kernel + 1)]
            for row in range(height + 2 * pad - kernel + 1)]


def each(x, function):
    return [[[function(v, c) for c, v in enumerate(pixel)] for pixel in row] for row in x]


def batchnorm(x, options, tensors, name):
    gain, bias, mean, variance = (tensors["%s.%s" % (name, t)] for t in ("gain", "bias", "mean", "variance"))
    epsilon = float(options.get("epsilon", 1e-5))
    return each(x, lambda v, c: (v - mean[c]) / math.sqrt(variance[c] + epsilon) * gain[c] + bias[c])


def pool(x, options, reduce):
    size = int(options.get("size", 2))
    return [[[reduce([x[r * size + i][c * size + j][k] for i in range(size) for j in range(size)])
              for k in range(len(x[0][0]))] for c in range(len(x[0]) // size)] for r in range(len(x) // size)]


def dense(x, options, tensors, name):
    flat = [v for row in x for pixel in row for v in pixel]
    weight, bias = tensors[name + ".weight"], tensors[name + ".bias"]
    return [[[b + sum(w * v for w, v in zip(weight[u * len(flat):], flat)) for u, b in enumerate(bias)]]]


def run(recipe, tensors, x):
    counts, entries = {}, []
    for line in recipe.splitlines():
        word, *rest = line.split()
        options = dict(option.split("=") for option in rest if "=" in option)
        counts[word] = counts.get(word, 0) + 1
        name = word + str(counts[word])
        if word == "conv":
            x = conv(x, options, tensors, name)
        elif word == "batchnorm":
            x = batchnorm(x, options, tensors, name)
        elif word == "relu":
            x = each(x, lambda v, c: max(v, 0.0))
        elif word == "maxpool":
            x = pool(x, options, max)
        elif word == "avgpool":
            x = pool(x, options, lambda values: sum(values) / len(values))
        elif word == "dense":
            x = dense(x, options, tensors, name)
        elif word == "residual":
            entries.append(x)
        elif word == "}":
            entry = entries.pop()
            x = [[[a + b for a, b in zip(p, q)] for p, q in zip(r, s)] for r, s in zip(x, entry)]
        elif word not in ("input", "dropout", "train"):
            sys.exit("unknown statement: " + line)
    return x[0][0]


def main():
    metadata, tensors = read(sys.argv[1])
    recipe = metadata["recipe"]
    height, width, channels = (int(n) for n in recipe.split()[1].split("x"))
    mean, deviation = json.loads(metadata["scale.mean"]), json.loads(metadata["scale.deviation"])
    for k in range(IMAGES):
        pixels = iter((37 * i + 11 * k * k + 5) % 256 for i in range(height * width * channels))
        x = [[[(next(pixels) / 255 - mean[c]) / deviation[c] for c in range(channels)] for _ in range(width)]
             for _ in range(height)]
        logits = run(recipe, tensors, x)
        powers = [math.exp(z - max(logits)) for z in logits]
        print(" ".join("%.9f" % (p / sum(powers)) for p in powers))


main()
