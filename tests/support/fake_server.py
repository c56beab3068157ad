"""`python -m tests.support.fake_server ROOT`: a server with the fakes, to be killed by tests."""

import asyncio
import json
import logging
import sys
from pathlib import Path

from tests.support.servers import ENGINE, VERBS, fake_settings

from faceplate_server.app import serve

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    settings = fake_settings(Path(sys.argv[1]), **json.loads((sys.argv[2:] or ["{}"])[0]))
    asyncio.run(serve(settings, verbs=VERBS, engine=ENGINE))
