"""Pad, crop, flip, normalise 48 pictures of 288 x 144 on one CPU thread: against torchvision's transforms on Pillow pictures."""

import numpy as np
import torch
from PIL import Image
from side_by_side import compare, turns
from torchvision import transforms

from bdlab import batches
from bdlab.config import MEAN, STD


def main() -> None:
    torch.set_num_threads(1)
    stored = np.random.default_rng(0).integers(0, 256, (48, 288, 144, 3), dtype=np.uint8)
    pillow = [Image.fromarray(picture) for picture in stored]
    each = transforms.Compose(
        [
            transforms.Pad(10),
            transforms.RandomCrop((288, 144)),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    bank, rows = torch.from_numpy(stored).permute(0, 3, 1, 2), torch.arange(48)
    still = torch.tensor([[10, 10, 0]]).expand(48, -1)
    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    torch.testing.assert_close(batches.normalise(batches.cut(bank, rows, still, 10))[7], plain(pillow[7]), atol=1e-5, rtol=0)

    def ours():
        return batches.normalise(batches.cut(bank, rows, torch.from_numpy(batches.draw(0, 0, 1, 24, 10)[0]), 10))

    compare("augmentation against per-picture Pillow transforms, one thread", lambda: torch.stack([each(p) for p in pillow]), ours, turns())


if __name__ == "__main__":
    main()
