#!/usr/bin/python3
"""What PyTorch makes of a recipe, in float64: the values that cnn must agree with. Debian's python3-torch is seen by
/usr/bin/python3 alone.

    cd tests/golden/pytorch && /usr/bin/python3 expect.py NAME.recipe > NAME.expected

Inputs and parameters are made by formulas, which tests/unit/train_golden.c has too: see wave(), initial(), batch().
Tensors are kept in cnn's layout, so that gradients come out in it, and permuted to PyTorch's where they are used."""

import math
import sys
import warnings

import torch
import torch.nn.functional as F

STEPS = 3
# No ReLU may be nearer to zero and no maximum nearer to the next than this, lest float decide otherwise than float64.
MARGIN = 2e-5

# That an even kernel with padding="same" may cost a copy.
warnings.filterwarnings("ignore", message="Using padding='same' with even kernel")

# Each statement's defaults.
WORDS = {
    "input": {},
    "conv": {"kernel": "3", "stride": "1", "padding": "valid", "groups": "1", "bias": "on"},
    "relu": {},
    "maxpool": {"size": "2", "stride": "0", "padding": "valid"},
    "avgpool": {"size": "2", "stride": "0", "padding": "valid"},
    "globalavgpool": {},
    "dense": {"bias": "on"},
    "batchnorm": {"momentum": "0.9", "epsilon": "1e-5"},
    "residual": {"projection": "none"},
    "train": {"weight-decay": "0", "label-smoothing": "0", "nesterov": "off"},
}


def parse(path):
    """[(word, options, name)], "}" having neither options nor name; the input's shape is the option ""."""
    statements, counts = [], {}
    with open(path, encoding="utf-8") as file:
        lines = [line.split("#")[0].split() for line in file]
    for word, *rest in filter(None, lines):
        if word == "}":
            statements.append((word, {}, ""))
            continue
        counts[word] = counts.get(word, 0) + 1
        options = dict(WORDS[word])
        options.update(option.split("=") if "=" in option else ("", option) for option in rest if option != "{")
        statements.append((word, options, word + str(counts[word])))
    return statements


def pair(text):
    sizes = [int(size) for size in text.split("x")]
    return sizes[0], sizes[-1]


def wave(count, phase):
    """sin(0.7 i^2 + phase) for i = 0 .. count - 1."""
    return torch.tensor([math.sin(0.7 * (i * i) + phase) for i in range(count)], dtype=torch.float64)


def initial(name, sizes):
    """A tensor of cnn's layout; `name`, as "conv1.weight", gives the phase: the sum of its characters' codes."""
    values = wave(math.prod(sizes), sum(name.encode())).reshape(sizes)
    kind = name.split(".")[-1]
    if kind == "weight":
        return values * (2 / math.sqrt(math.prod(sizes[1:])))
    if kind in ("gain", "variance"):
        return 1 + 0.5 * values
    return 0.5 * values


def batch(step, images, shape, classes):
    """Images [n][channels][height][width] and labels of step 0, 1, ..."""
    numbers = [step * images + i for i in range(images)]
    pixels = torch.stack([1.5 * wave(math.prod(shape), 0.3 * k).reshape(shape) for k in numbers])
    return pixels.permute(0, 3, 1, 2), torch.tensor([(k * k + k // 2) % classes for k in numbers])


def same(x, size, stride, value):
    """x with what padding=same adds: output = input / stride rounded up, an odd pixel going below and to the right."""
    sides = []
    for axis in (1, 0):
        pixels = x.shape[2 + axis]
        missing = max(0, (-(-pixels // stride[axis]) - 1) * stride[axis] + size[axis] - pixels)
        sides += [missing // 2, missing - missing // 2]
    return F.pad(x, sides, value=value)


class Network:
    def __init__(self, statements):
        self.statements = statements
        self.tensors = {}
        self.training = True
        self.nearest = math.inf

    def tensor(self, name, *sizes):
        if name not in self.tensors:
            self.tensors[name] = initial(name, sizes)
            self.tensors[name].requires_grad_(name in self.trained())
        return self.tensors[name]

    def trained(self):
        return [name for name in self.tensors if name.split(".")[-1] not in ("mean", "variance")]

    def keep_apart(self, distances):
        """Distances of 0 are ties, which rounding does not touch."""
        self.nearest = min([self.nearest] + [d for d in distances.detach().abs().flatten().tolist() if d > 0])

    def conv(self, x, options, name):
        kernel, stride, groups = pair(options["kernel"]), pair(options["stride"]), int(options["groups"])
        filters = int(options["filters"])
        weight = self.tensor(name + ".weight", filters, *kernel, x.shape[1] // groups).permute(0, 3, 1, 2)
        bias = self.tensor(name + ".bias", filters) if options["bias"] == "on" else None
        padding = options["padding"]
        if padding == "same" and stride != (1, 1):  # which PyTorch has not
            x, padding = same(x, kernel, stride, 0.0), "valid"
        return F.conv2d(x, weight, bias, stride, int(padding) if padding.isdigit() else padding, groups=groups)

    def relu(self, x, options, name):
        self.keep_apart(x)
        return F.relu(x)

    def windows(self, options):
        size, stride = pair(options["size"]), pair(options["stride"])
        return size, size if stride == (0, 0) else stride

    def maxpool(self, x, options, name):
        size, stride = self.windows(options)
        padding = options["padding"]
        if padding == "same":
            x, padding = same(x, size, stride, -math.inf), "valid"
        padding = 0 if padding == "valid" else int(padding)
        around = F.pad(x, [padding] * 4, value=-math.inf).unfold(2, size[0], stride[0]).unfold(3, size[1], stride[1])
        best = around.flatten(4).topk(2).values
        self.keep_apart(best[..., 0] - best[..., 1])
        return F.max_pool2d(x, size, stride, padding)

    def avgpool(self, x, options, name):
        size, stride = self.windows(options)
        padding = options["padding"]
        if padding == "same":  # the mean of the pixels on the image: sums over counts
            ones = same(torch.ones_like(x), size, stride, 0.0)
            return F.avg_pool2d(same(x, size, stride, 0.0), size, stride) / F.avg_pool2d(ones, size, stride)
        return F.avg_pool2d(x, size, stride, 0 if padding == "valid" else int(padding), count_include_pad=False)

    def globalavgpool(self, x, options, name):
        return F.adaptive_avg_pool2d(x, 1)

    def dense(self, x, options, name):
        units, (channels, height, width) = int(options["units"]), x.shape[1:]
        weight = self.tensor(name + ".weight", units, height * width * channels)
        weight = weight.reshape(units, height, width, channels).permute(0, 3, 1, 2).flatten(1)
        bias = self.tensor(name + ".bias", units) if options["bias"] == "on" else None
        return F.linear(x.flatten(1), weight, bias)[:, :, None, None]

    def batchnorm(self, x, options, name):
        gain, bias, mean, variance = (self.tensor("%s.%s" % (name, kind), x.shape[1])
                                      for kind in ("gain", "bias", "mean", "variance"))
        return F.batch_norm(x, mean, variance, gain, bias, self.training, 1 - float(options["momentum"]),
                            float(options["epsilon"]))

    def project(self, x, y, kind, name):
        """A residual's way past its body, from x to the shape of y."""
        if kind == "none":
            return x
        stride = "%dx%d" % tuple(-(-x.shape[axis] // y.shape[axis]) for axis in (2, 3))
        options = dict(WORDS["conv"], filters=y.shape[1], kernel="1", stride=stride, bias="off")
        x = self.conv(x, options, name + ".projection")
        return self.batchnorm(x, WORDS["batchnorm"], name + ".batchnorm") if kind == "batchnorm" else x

    def forward(self, x):
        """Logits [n][classes]."""
        open_residuals = []
        for word, options, name in self.statements:
            if word == "residual":
                open_residuals.append((x, options["projection"], name))
            elif word == "}":
                entry, kind, residual = open_residuals.pop()
                x = x + self.project(entry, x, kind, residual)
            elif word not in ("input", "train"):
                x = getattr(self, word)(x, options, name)
        return x.flatten(1)


def make_optimizer(network, train):
    """Weight decay is for weights alone."""
    weights = [name for name in network.trained() if name.endswith(".weight")]
    others = [name for name in network.trained() if name not in weights]
    groups = [{"params": [network.tensors[name] for name in names], "weight_decay": decay}
              for names, decay in ((weights, float(train["weight-decay"])), (others, 0.0))]
    if train["optimizer"] == "adamw":
        betas = float(train["beta1"]), float(train["beta2"])
        return torch.optim.AdamW(groups, lr=1.0, betas=betas, eps=float(train["epsilon"]))
    return torch.optim.SGD(groups, lr=1.0, momentum=float(train["momentum"]), nesterov=train["nesterov"] == "on")


def line(name, values):
    return " ".join([name] + ["%.9g" % value for value in values.detach().flatten().tolist()])


def train_and_classify(network, train, shape, classes):
    """The file's lines."""
    images, smoothing = int(train["batch"]), float(train["label-smoothing"])
    optimizer = make_optimizer(network, train)
    lines, losses = [], []
    for step in range(STEPS):
        pixels, labels = batch(step, images, shape, classes)
        logits = network.forward(pixels)
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            lines.append(line("logits", logits))
            lines += [line("gradient." + name, network.tensors[name].grad) for name in network.trained()]
        for group in optimizer.param_groups:
            group["lr"] = float(train["lr"]) / (step + 1)
        optimizer.step()
        lines += [line("step%d.%s" % (step + 1, name), tensor) for name, tensor in network.tensors.items()
                  if step == STEPS - 1 or name not in network.trained()]
    network.training = False
    logits = network.forward(batch(0, images, shape, classes)[0])
    return lines + [line("losses", torch.stack(losses)), line("classified", logits)]


def main():
    statements = parse(sys.argv[1])
    shape = [int(size) for size in statements[0][1][""].split("x")]
    network = Network(statements)
    network.training = False  # makes the tensors, and leaves the running statistics alone
    classes = network.forward(torch.zeros(1, shape[2], *shape[:2], dtype=torch.float64)).shape[1]
    network.training, network.nearest = True, math.inf
    lines = train_and_classify(network, statements[-1][1], shape, classes)
    if network.nearest < MARGIN:
        sys.exit("a ReLU or a maximum is decided by %g: change the batch" % network.nearest)
    print("# Made by expect.py with PyTorch %s; numbers in cnn's order." % torch.__version__)
    print("\n".join(lines))


main()
