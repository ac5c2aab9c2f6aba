"""Alembic's environment: runs the revisions on the connection that `studio.schema` hands over."""

from alembic import context

import studio.sharing.tables
import studio.wishing.tables  # noqa: F401 - their tables belong to the metadata
from studio.database import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
