"""Upload a folder of ``osediff export`` to a repository of the Hugging Face Hub. No other command uploads anything.

    osediff push my-model my-name/my-model

The token is that of $HF_TOKEN, or of ``hf auth login``; $HF_ENDPOINT is honored.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import HfApi

from osediff.common.artifacts.offline import add_offline_option
from osediff.common.command_line import add_place
from osediff.common.errors import InputError
from osediff.sharing import INDEX


def add_options(parser: argparse.ArgumentParser, named: bool = True) -> None:
    """Add the options."""
    add_place(parser, "folder", named, "folder of `osediff export`")
    parser.add_argument("repository", metavar="REPO", help="of the hub, as NAME/MODEL; made if there is none")
    parser.add_argument("--private", action="store_true", help="visible to its owner alone; never to a public one")
    parser.add_argument("--message", default="Upload OSEDiff", help="of the commit (default: %(default)s)")
    add_offline_option(parser)


def push(folder: Path, repository: str, private: bool, message: str) -> str:
    """Upload ``folder`` to ``repository``, and return the address of the commit.

    Raises:
        InputError: the folder is no model for diffusers, or the hub refuses, in one line.
    """
    if not (folder / INDEX).is_file():
        raise InputError(f"{folder}: has no {INDEX}; write it by `osediff export {folder}`")
    api = HfApi()
    try:
        api.create_repo(repository, private=private or None, exist_ok=True)
        if private and not api.repo_info(repository).private:  # it was there already
            raise InputError(f"{repository}: is public, so nothing is uploaded; make it private on the hub first")
        commit = api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    except (HTTPError, OSError, ValueError) as error:  # the hub's errors are some of these
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{repository}: not uploaded to {api.endpoint} ({reason[:300]})") from error
    return str(commit.commit_url)


def execute(args: argparse.Namespace) -> None:
    """Upload, and print the address."""
    if args.offline:
        raise InputError(f"{args.repository}: not uploaded, since --offline or $OSEDIFF_OFFLINE forbids it")
    print(push(args.folder, args.repository, args.private, args.message))
