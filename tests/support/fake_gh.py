#!/usr/bin/env python3
"""Stands in for `gh api`: it answers from the folder FAKE_GH, and records each call there.

answers.json maps "METHOD path" to the file whose bytes are the answer; a request that is not there
fails as gh does. calls.jsonl gets a line of JSON a call.
"""

import json
import os
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path

parser = ArgumentParser()
parser.add_argument("command", choices=["api"])
parser.add_argument("path")
parser.add_argument("--method", default="GET")
parser.add_argument("--input", choices=["-"])
call = parser.parse_args()

folder = Path(os.environ["FAKE_GH"])
sent = json.load(sys.stdin) if call.input else None
record = {"method": call.method, "path": call.path, "sent": sent, "token": os.environ["GH_TOKEN"]}
with open(folder / "calls.jsonl", "a", encoding="utf-8") as calls:
    calls.write(json.dumps(record) + "\n")
answer = json.loads((folder / "answers.json").read_text()).get(f"{call.method} {call.path}")
if answer is None:
    print('{"message": "Not Found"}')
    sys.exit("gh: Not Found (HTTP 404)")
with open(answer, "rb") as content:
    shutil.copyfileobj(content, sys.stdout.buffer)
