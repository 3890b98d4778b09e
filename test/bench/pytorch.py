"""The same steps in PyTorch, as a yardstick: EfficientNet-B0 from torchvision's layout, batch norm frozen, AdamW.

pytorch.py BATCH REPEATS BLOCK... prints milliseconds per image as JSON. Needs torch alone.
"""
import json
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import torch
from torch import nn

# kernel, stride, expansion, output channels, layers of features.1 to features.7 (Tan & Le 2019, table 1)
STAGES = [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)]


def convolution(inputs, outputs, kernel, stride=1, groups=1, activation=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.SiLU(inplace=True)] if activation else []))


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        pooled = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(nn.functional.silu(self.fc1(pooled))))


class MBConv(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.block = nn.Sequential(
            *([convolution(inputs, wide, 1)] if expansion > 1 else []),
            convolution(wide, wide, kernel, stride, wide),
            SqueezeExcitation(wide, max(1, inputs // 4)),
            convolution(wide, outputs, 1, activation=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


def efficientnet_b0(classes):
    blocks, inputs = [convolution(3, 32, 3, 2)], 32
    for kernel, stride, expansion, outputs, layers in STAGES:
        blocks.append(nn.Sequential(*[MBConv(inputs if i == 0 else outputs, outputs, kernel, stride if i == 0 else 1, expansion) for i in range(layers)]))
        inputs = outputs
    blocks.append(convolution(inputs, 1280, 1))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, classes))
    return nn.ModuleList([*blocks, head])


def median_ms(step, batch, repeats):
    step()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1000 / batch)
    return statistics.median(times)


def main():
    batch, repeats, blocks = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    torch.manual_seed(1)
    # eval() freezes batch norm's statistics; its parameters are trained.
    model = efficientnet_b0(6).eval().to(memory_format=torch.channels_last)
    images = torch.randn(batch, 3, 224, 224).to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % 6

    def run(modules, x):
        for module in modules:
            x = module(x)
        return x

    with torch.no_grad():
        inference = median_ms(lambda: run(model, images), batch, repeats)
    training = {}
    for block in blocks:
        at = int(block.split(".")[1])
        part = model[at:]
        optimiser = torch.optim.AdamW(part.parameters(), lr=1e-4, weight_decay=0.01)
        with torch.no_grad():
            features = run(model[:at], images)

        def step():
            optimiser.zero_grad()
            nn.functional.cross_entropy(run(part, features), labels).backward()
            optimiser.step()

        training[block] = median_ms(step, batch, repeats)
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "inference": inference, "training": training}))


main()
