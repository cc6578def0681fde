"""One training step built from public habits up to ours, one technique at a time: for ``gpu.py``.

Every rung is a function that trains one step on 24 + 24 pictures. From the rung with one trunk pass
on, all compute the same losses on the same batch up to precision; before it, batch norm sees one
modality at a time, as it does in code with a pass a modality.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from losses import loop
from PIL import Image
from torchvision import transforms

from bdlab import losses, machine, pixels
from bdlab.modality import BASE, Modality
from bdlab.pixels import MEAN, STD
from bdlab.training import batches
from bdlab.training import setup as setups


@dataclass(frozen=True)
class Rung:
    """Which techniques a step uses."""

    name: str = "naive loop"
    bank: bool = False  # uint8 pictures on the device, not Pillow pictures in a DataLoader
    batched: bool = False  # crop, flip and normalise a batch at once
    one_pass: bool = False  # one trunk pass over all modalities
    table: bool = False  # all triplet terms from one table, nothing read by the host
    bf16: bool = False
    channels_last: bool = False
    fused: bool = False  # SGD in one kernel
    compiled: bool = False
    graph: bool = False  # the whole step captured as a CUDA graph


def rungs():
    """From nothing to everything, each with one technique more than the one before."""
    steps = [
        ("bank", "uint8 bank on the device"),
        ("batched", "batched augmentation"),
        ("one_pass", "one trunk pass"),
    ]
    steps += [
        ("table", "one table of losses"),
        ("bf16", "bfloat16"),
        ("channels_last", "channels last"),
        ("fused", "fused SGD"),
    ]
    steps += [("compiled", "torch.compile"), ("graph", "CUDA graph")]
    ladder = [Rung()]
    for field, name in steps:
        ladder.append(replace(ladder[-1], name=f"+ {name}", **{field: True}))
    return ladder


class Pictures(torch.utils.data.Dataset):
    """One epoch's pictures in the order of its plan, each through a chain of transforms."""

    def __init__(self, setup, rows):
        pad, height, width = (
            setup.config.data.pad,
            setup.config.data.height,
            setup.config.data.width,
        )
        stored = setup.bank.pictures.permute(0, 2, 3, 1).cpu().numpy()
        self.pictures = [
            Image.fromarray(np.ascontiguousarray(stored[row])) for row in rows.flatten().tolist()
        ]
        crop = [
            transforms.Pad(pad),
            transforms.RandomCrop((height, width)),
            transforms.RandomHorizontalFlip(),
        ]
        self.chain = transforms.Compose(
            [*crop, transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        )

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.chain(self.pictures[index])


class Feed:
    """The batches of one epoch, over and over, as a rung draws them."""

    def __init__(self, setup, rung, workers):
        self.setup, self.rung, self.step = setup, rung, 0
        self.rows, self.draws, self.labels = setups.draw_epoch(setup, 0, min(setup.steps, 64))
        if not rung.bank:
            pictures = Pictures(setup, self.rows)
            pin = setup.device.type == "cuda"
            self.loader = torch.utils.data.DataLoader(
                pictures, self.rows.shape[1], num_workers=workers, pin_memory=pin
            )
            self.stream = iter(())

    def __call__(self):
        here = self.step % len(self.rows)
        self.step += 1
        if not self.rung.bank:
            pictures = next(self.stream, None)
            if pictures is None:
                self.stream = iter(self.loader)
                pictures = next(self.stream)
                here, self.step = 0, 1
            pictures = pictures.to(self.setup.device, non_blocking=True)
        else:
            pictures = self.cut(self.rows[here], self.draws[here])
        form = torch.channels_last if self.rung.channels_last else torch.contiguous_format
        return pictures.contiguous(memory_format=form), self.labels[here]

    def cut(self, rows, draws):
        bank, pad = self.setup.bank.pictures, self.setup.config.data.pad
        if self.rung.batched:
            return pixels.normalise(batches.cut(bank, rows, draws, pad))
        height, width = bank.shape[-2:]
        out = []
        for row, (down, right, flip) in zip(rows.tolist(), draws.tolist(), strict=True):
            padded = torch.nn.functional.pad(bank[row], (pad, pad, pad, pad))
            piece = padded[:, down : down + height, right : right + width]
            out.append(pixels.normalise((piece.flip(-1) if flip else piece)[None])[0])
        return torch.stack(out)


def forward(net, images, one_pass):
    """Features and logits by modality: one pass of the trunk, or one a modality."""
    if one_pass:
        out = net(images)
        return out.features, out.logits
    features, logits = {}, {}
    for m, x in {**images, **net.derive(images)}.items():
        features[m] = net.pooled(net.stems[m.value](x))
        logits[m] = net.classifier(net.neck(features[m]))
    return features, logits


def build(setup, rung, workers=0):
    """A function that trains one step of ``setup.net`` in a rung's way and returns the total
    loss.
    """
    device, net, form = (
        setup.device,
        setup.net,
        torch.channels_last if rung.channels_last else torch.contiguous_format,
    )
    net.to(memory_format=form).train()
    backend = "inductor" if device.type == "cuda" else "eager"
    net_ = torch.compile(net, backend=backend) if rung.compiled else net
    feed, loss = Feed(setup, rung, workers), setup.config.loss
    opt = torch.optim.SGD(
        net.parameters(),
        1e-4,
        momentum=0.9,
        weight_decay=5e-4,
        nesterov=True,
        fused=rung.fused,
        foreach=False,
    )

    fast = machine.best_precision(device, min(setup.bank.pictures.shape[-2:])) is torch.bfloat16

    def learn(pictures, labels):
        with torch.autocast(device.type, torch.bfloat16, enabled=rung.bf16 and fast):
            features, logits = forward(
                net_, dict(zip(BASE, pictures.chunk(2), strict=True)), rung.one_pass
            )
            own = dict.fromkeys(Modality, labels)
            total = loss.alpha * losses.identity(logits, own)
            if rung.table:
                table = losses.table(features, own)
                mdl = losses.directed_sum(table, list(features), setup.config.graph)
                total = total + loss.beta * table.diagonal().sum() + loss.gamma * mdl
            else:
                total = total + loop(
                    {m: f.float() for m, f in features.items()}, own, loss.beta, loss.gamma
                )
        opt.zero_grad(set_to_none=True)
        total.backward()
        opt.step()
        return total.detach()

    def step():
        total = learn(*feed())
        return total if rung.table else total.item()  # public loops print as they go

    return step if not rung.graph else captured(learn, feed)


def captured(learn, feed):
    """The whole step as one CUDA graph over buffers that each batch is copied into."""
    pictures, labels = feed()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            learn(pictures, labels)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        total = learn(pictures, labels)

    def step():
        fresh, own = feed()
        pictures.copy_(fresh)
        labels.copy_(own)
        graph.replay()
        return total

    return step
