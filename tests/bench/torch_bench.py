#!/usr/bin/python3
"""PyTorch's side of compare.sh: builds the network that a recipe describes, measures its training as cnn-bench measures
ours, and prints the same JSON. Training is the usual step: a shuffled batch indexed out of tensors already in memory,
zeroed gradients, forward, cross-entropy, backward, SGD. With --export it writes the network as ONNX instead, for
onnx_bench.js. Debian's python3-torch is seen by /usr/bin/python3 alone."""

import argparse
import json
import resource
import time

import torch
from torch import nn


def parse_recipe(path):
    """[(word, {key: value})] with {"": [values without a key]}."""
    statements = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                options = {"": [word for word in words[1:] if "=" not in word]}
                options.update(word.split("=", 1) for word in words[1:] if "=" in word)
                statements.append((words[0], options))
    return statements


def pair(text):
    """"3x5" and "3" as (height, width)."""
    sizes = [int(size) for size in text.split("x")]
    return (sizes[0], sizes[-1])


def number_or_zero(padding):
    return 0 if padding == "valid" else int(padding)


class Residual(nn.Module):
    """What stands between "residual {" and "}"."""

    def __init__(self, body, projection):
        super().__init__()
        self.body, self.projection = body, projection

    def forward(self, x):
        return self.body(x) + self.projection(x)


def convolution(options, x):
    kernel, stride = pair(options.get("kernel", "3")), pair(options.get("stride", "1"))
    padding, around = options.get("padding", "valid"), None
    if padding != "same":
        padding = number_or_zero(padding)
    elif all(size % 2 for size in kernel):
        # With a stride ours puts an odd pixel below and to the right. PyTorch would need a layer of its own for that;
        # on both sides, the output is as large and takes as many multiplications.
        padding = tuple(size // 2 for size in kernel)
    else:
        missing = [max((-(-n // step) - 1) * step + size - n, 0) for n, size, step in zip(x.shape[2:], kernel, stride)]
        around = nn.ZeroPad2d([pixels for n in reversed(missing) for pixels in (n // 2, n - n // 2)])
        padding = 0
    groups, bias = int(options.get("groups", 1)), options.get("bias", "on") == "on"
    conv = nn.Conv2d(x.shape[1], int(options["filters"]), kernel, stride, padding, groups=groups, bias=bias)
    return nn.Sequential(around, conv) if around else conv


def pool(kind, options):
    size = pair(options.get("size", "2"))
    stride = pair(options.get("stride", "0"))
    stride = size if stride == (0, 0) else stride
    padding = options.get("padding", "valid")
    return kind(size, stride, number_or_zero(padding))


def layer(word, options, x):
    """The module for one statement, over an input like x [1][channels][height][width] or [1][units]."""
    if word == "conv":
        return convolution(options, x)
    if word == "relu":
        return nn.ReLU(inplace=True)
    if word == "maxpool":
        return pool(nn.MaxPool2d, options)
    if word == "avgpool":
        return pool(nn.AvgPool2d, options)
    if word == "globalavgpool":
        return nn.AdaptiveAvgPool2d(1)
    if word == "batchnorm":
        return nn.BatchNorm2d(x.shape[1])
    if word == "dropout":
        return nn.Dropout(float(options.get("rate", 0.5)))
    if word == "dense":
        bias = options.get("bias", "on") == "on"
        return nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), int(options["units"]), bias))
    raise SystemExit(f"torch_bench.py: no counterpart of {word}")


def projection(kind, x, y):
    """A residual's way past its body, from the shape of x to that of y."""
    if kind == "none":
        return nn.Identity()
    stride = [-(-x.shape[side] // y.shape[side]) for side in (2, 3)]
    conv = nn.Conv2d(x.shape[1], y.shape[1], 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(y.shape[1])) if kind == "batchnorm" else conv


def build(statements, x):
    """The layers up to the end or the closing brace, and what they make of x."""
    modules = []
    while statements:
        word, options = statements.pop(0)
        if word == "}":
            break
        if word in ("input", "train", "augment"):
            continue
        if word == "residual":
            body, y = build(statements, x)
            module = Residual(body, projection(options.get("projection", "none"), x, y))
        else:
            module = layer(word, options, x)
        modules.append(module)
        x = module.eval()(x)
    return nn.Sequential(*modules), x


def he_initialize(module):
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Bench:
    def __init__(self, args):
        statements = parse_recipe(args.recipe)
        options = dict(next((o for word, o in statements if word == "train"), {}))
        height, width, channels = (int(size) for size in statements[0][1][""][0].split("x"))
        self.layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
        with torch.no_grad():
            self.model, logits = build(statements, torch.zeros(1, channels, height, width))
        self.model.apply(he_initialize)
        self.model.to(memory_format=self.layout)
        self.batch = args.batch or int(options.get("batch", 64))
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=1e-4,
            momentum=float(options.get("momentum", 0.9)),
            weight_decay=float(options.get("weight-decay", 0)),
            nesterov=options.get("nesterov", "off") == "on",
        )
        self.images = torch.rand(args.images, channels, height, width).contiguous(memory_format=self.layout)
        self.labels = torch.arange(args.images) % logits.shape[1]
        self.seconds = args.seconds

    def repeat(self, call):
        """Durations of calls over self.seconds, after a warm-up of a fifth of that: at least three calls, as the first
        find no memory kept yet."""
        for seconds, least in ((self.seconds / 5, 3), (self.seconds, 1)):
            durations, begin = [], time.perf_counter()
            last = begin
            while last - begin < seconds or len(durations) < least:
                call(len(durations))
                end = time.perf_counter()
                durations.append(end - last)
                last = end
        return durations

    def train(self):
        """Images a second."""
        self.model.train()
        loss_function = nn.CrossEntropyLoss()
        steps = len(self.images) // self.batch
        order = torch.randperm(len(self.images))

        def step(call):
            nonlocal order
            if call % steps == 0:
                order = torch.randperm(len(self.images))
            indices = order[call % steps * self.batch :][: self.batch]
            x, y = self.images[indices], self.labels[indices]
            if self.layout is torch.channels_last and not x.is_contiguous(memory_format=self.layout):
                x = x.contiguous(memory_format=self.layout)
            self.optimizer.zero_grad(set_to_none=True)
            loss_function(self.model(x), y).backward()
            self.optimizer.step()

        durations = self.repeat(step)
        return self.batch * len(durations) / sum(durations)

    def export(self, path):
        """The logits of any number of images, batch normalization folded where it can be."""
        self.model.eval()
        axes = {"images": {0: "n"}, "logits": {0: "n"}}
        torch.onnx.export(
            self.model,
            self.images[:1].contiguous(),
            path,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=13,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--batch", type=int, help="default: the recipe's")
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--layout", choices=["channels_first", "channels_last"], default="channels_last")
    parser.add_argument("--only", choices=["train"], help="all that is measured")
    parser.add_argument("--json", action="store_true", help="the only form there is")
    parser.add_argument("--export", metavar="FILE", help="write the network as ONNX and measure nothing")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    bench = Bench(args)
    if args.export:
        bench.export(args.export)
        return
    found = {"program": f"pytorch {torch.__version__} {args.layout}", "recipe": args.recipe, "threads": args.threads}
    found["batch"] = bench.batch
    found["train"] = round(bench.train(), 1)
    found["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    print(json.dumps(found, separators=(",", ":")))


if __name__ == "__main__":
    main()
