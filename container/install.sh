#!/bin/sh
# What an image has, for the Dockerfile and the Apptainer definition: sh install.sh REQUIREMENTS, as root, in Debian with Python 3.11.
set -eu
apt-get update
apt-get install -y --no-install-recommends git # checkouts of baselines are verified by it
rm -rf /var/lib/apt/lists/*
# An environment of its own ignores packages in ~/.local of whoever runs it.
python3.11 -m venv /opt/benchmark
/opt/benchmark/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r "$1"
# Any user may run the image: the home folder of those without one is open to all, as /tmp is.
useradd --uid 1000 --user-group --no-create-home --home-dir /home/benchmark benchmark
mkdir -p /work
install -d -m 1777 /home/benchmark
