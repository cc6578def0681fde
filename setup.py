"""Finds the packages: bdlab, bdtwins, and the notebooks, which lie beside them in the repository
and
inside bdlab where it is installed.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["bdlab*", "bdtwins*"]), "bdlab.notebooks"],
    package_dir={"bdlab.notebooks": "notebooks"},
)
