"""Pad, crop, flip, normalise 48 pictures of 288 x 144 on one CPU thread: against torchvision's
transforms on Pillow pictures, one by one.

Both sides start from decoded pictures of that size (Pillow images in memory there, the uint8 bank
here): decoding and resizing are on neither side, although public code repeats them in every epoch
and the bank never does. Equal pixels asserted first.
"""

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image
from side_by_side import QUIET, asked, compare, report, timed
from torchvision import transforms

from bdlab import pixels
from bdlab.pixels import MEAN, STD
from bdlab.training import batches

PAD = 10


class Pictures(torch.utils.data.Dataset):
    """The public style: a picture at a time through a chain of transforms."""

    def __init__(self, pictures, size):
        self.pictures = pictures
        self.chain = transforms.Compose(
            [
                transforms.Pad(PAD),
                transforms.RandomCrop(size),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.chain(self.pictures[index])


def main() -> None:
    options = asked(turns=15)
    torch.set_num_threads(1)
    count, size = (8, (32, 16)) if options.smoke else (48, (288, 144))
    stored = np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8)
    pillow = [Image.fromarray(picture) for picture in stored]
    bank, rows = torch.from_numpy(stored).permute(0, 3, 1, 2), torch.arange(count)

    def ours(how):
        return pixels.normalise(batches.cut(bank, rows, how, PAD))

    how = torch.from_numpy(batches.draw(0, 0, 1, count // 2, PAD)[0])
    made = ours(how)
    for picture, mine, (down, right, flip) in zip(pillow, made, how.tolist(), strict=True):
        cropped = F.crop(F.pad(picture, PAD), down, right, *size)
        expected = F.normalize(F.to_tensor(F.hflip(cropped) if flip else cropped), MEAN, STD)
        torch.testing.assert_close(mine, expected, atol=1e-5, rtol=0)

    loader = torch.utils.data.DataLoader(Pictures(pillow, size), batch_size=count)
    steps = iter(range(10**9))

    def step():
        return ours(torch.from_numpy(batches.draw(0, next(steps), 1, count // 2, PAD)[0]))

    compare(
        "augmentation, one thread, against per-picture Pillow transforms in a DataLoader",
        lambda: next(iter(loader)),
        step,
        options.turns,
        2,
    )
    samples = [timed(step, 1 if options.smoke else 20) for _ in range(options.turns)]
    quiet = [others < QUIET for _, others in samples]
    report(
        "augmentation, one thread, ours",
        [count / seconds for seconds, _ in samples],
        "pictures/s",
        quiet=quiet,
    )


if __name__ == "__main__":
    main()
