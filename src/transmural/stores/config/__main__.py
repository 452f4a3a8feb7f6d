"""``python -m transmural.stores.config``: rewrite the schemas and ``README.md`` in ``config/``."""

from pathlib import Path

import yaml

from transmural.stores.config.document import overlay_schema, reference, schema
from transmural.stores.files import write_whole

if __name__ == "__main__":
    write_whole("config/config.schema.json", schema())
    write_whole("config/overlay.schema.json", overlay_schema())
    write_whole("config/README.md", reference(yaml.safe_load(Path("config/config.yaml").read_text())))
