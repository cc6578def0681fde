"""A trained cell on new pictures: features, searched galleries, files for other programs.

``embedding`` turns pictures into features, ``pictures`` lists what a folder holds, ``features`` is
a folder of features on disk, ``searching`` and ``page`` rank and show, ``export`` writes the net
as a file, ``cross`` tests it on another set, ``track`` hands histories to other programs.
"""


class DeployError(ValueError):
    """Something that stands in the way of using a cell; names the file, the rule and the remedy."""
